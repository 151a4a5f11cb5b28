import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { StrictMode } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AuthPage } from "@/components/auth/auth-page";
import { ResetPage } from "@/components/auth/reset-page";
import { VerifyPage } from "@/components/auth/verify-page";
import { Providers } from "@/components/providers";
import { takeLinkToken } from "@/lib/link-token";
import { FakeApi, json } from "./fakes/fake-api";
import { FakeWebSocket } from "./fakes/fake-web-socket";

vi.mock("next/navigation", () => ({ useRouter: () => ({ replace: vi.fn() }) }));

const TOKEN = "WzEsIjNmIl0:1vMxQk:6mS-2c_0hX";

function show(page: React.ReactNode, api: FakeApi, address: string): void {
  history.replaceState(null, "", address);
  vi.stubGlobal("fetch", api.fetch);
  render(
    <StrictMode>
      <Providers>{page}</Providers>
    </StrictMode>,
  );
}

function refuse(): Response {
  return json(400, { detail: "Bad link.", code: "invalid_link" });
}

beforeEach(() => {
  vi.stubGlobal("WebSocket", FakeWebSocket);
  localStorage.clear();
});
afterEach(() => history.replaceState(null, "", "/"));

it("the token is taken out of the address, and what else is in it stays", () => {
  history.replaceState(null, "", `/verify/?a=1#token=${TOKEN}`);
  expect(takeLinkToken()).toBe(TOKEN);
  expect(location.href).toMatch(/\/verify\/\?a=1$/);
  expect(takeLinkToken()).toBeNull();
});

describe("confirming an address", () => {
  it("waits for a press, and sends the token nowhere else", async () => {
    const api = new FakeApi().on("POST /api/auth/email/verify", () =>
      json(200, { email: "ana@example.org" }),
    );
    show(<VerifyPage />, api, `/verify/#token=${TOKEN}`);
    await waitFor(() => expect(location.hash).toBe(""));
    expect(api.requests).toEqual([]);
    await userEvent.click(screen.getByTestId("verify"));
    await screen.findByTestId("verified");
    screen.getByText("ana@example.org");
    expect(api.requests.map(({ path, body }) => ({ path, body }))).toEqual([
      { path: "/api/auth/email/verify", body: { token: TOKEN } },
    ]);
    expect(JSON.stringify({ ...localStorage, ...sessionStorage })).not.toContain(TOKEN);
  });

  it.each(["", `#token=${TOKEN}`])("says that a link does not work: /verify/%s", async (hash) => {
    const api = new FakeApi().on("POST /api/auth/email/verify", refuse);
    show(<VerifyPage />, api, `/verify/${hash}`);
    if (hash) await userEvent.click(await screen.findByTestId("verify"));
    await screen.findByTestId("invalid-link");
  });

  it("takes another link that is pasted into the address", async () => {
    show(<VerifyPage />, new FakeApi(), "/verify/");
    await screen.findByTestId("invalid-link");
    location.hash = `#token=${TOKEN}`;
    await screen.findByTestId("verify");
    await waitFor(() => expect(location.hash).toBe(""));
  });
});

describe("choosing a new password", () => {
  it("sends the token with the password", async () => {
    const api = new FakeApi().on("POST /api/auth/password/reset", () => json(204, null));
    show(<ResetPage />, api, `/reset/#token=${TOKEN}`);
    await userEvent.type(screen.getByLabelText("New password"), "short");
    await userEvent.click(screen.getByTestId("reset-save"));
    await screen.findByText("At least 8 characters, please.");
    expect(api.requests).toEqual([]);
    await userEvent.type(screen.getByLabelText("New password"), " staple donkey");
    await userEvent.click(screen.getByTestId("reset-save"));
    await screen.findByTestId("reset-done");
    expect(api.requests[0]?.body).toEqual({ token: TOKEN, new_password: "short staple donkey" });
    expect(location.hash).toBe("");
  });

  it("leads to a new link where this one does not work", async () => {
    const api = new FakeApi().on("POST /api/auth/password/reset", refuse);
    show(<ResetPage />, api, `/reset/#token=${TOKEN}`);
    await userEvent.type(screen.getByLabelText("New password"), "staple donkey");
    await userEvent.click(screen.getByTestId("reset-save"));
    const link = await screen.findByRole("link", { name: "Ask for a new link" });
    expect(link.getAttribute("href")).toMatch(/^\/login\/?\?forgot=1$/);
  });
});

describe("signing in", () => {
  function options(registration: boolean, email: boolean): FakeApi {
    return new FakeApi().on("GET /api/auth/options", () => json(200, { registration, email }));
  }

  it("offers a way back to a lost password where there is mail", async () => {
    const api = options(true, true).on("POST /api/auth/password/forgot", () => json(202, null));
    show(<AuthPage mode="login" />, api, "/login/?next=%2Fsettings%2F");
    await userEvent.click(await screen.findByTestId("forgot"));
    const field = await screen.findByTestId("forgot-email");
    expect(location.search).toContain("forgot=1");
    await userEvent.type(field, "ana@example");
    await userEvent.click(screen.getByTestId("forgot-send"));
    await screen.findByText("Enter an address like name@example.org.");
    await userEvent.type(field, ".org");
    await userEvent.click(screen.getByTestId("forgot-send"));
    await screen.findByTestId("forgot-sent");
    expect(api.requests.at(-1)?.body).toEqual({ email: "ana@example.org" });
    await userEvent.click(screen.getByTestId("forgot-back"));
    await screen.findByTestId("auth-username");
    expect(location.search).toBe("?next=%2Fsettings%2F");
  });

  it("offers none where there is no mail, and no account where sign-up is closed", async () => {
    show(<AuthPage mode="login" />, options(false, false), "/login/");
    await waitFor(() => expect(screen.queryByText("Create an account")).toBeNull());
    expect(screen.queryByTestId("forgot")).toBeNull();
  });

  it("says that sign-up is closed", async () => {
    show(<AuthPage mode="register" />, options(false, true), "/register/");
    await screen.findByTestId("registration-closed");
    expect(screen.queryByTestId("auth-username")).toBeNull();
  });

  it("counts the wait down when the account is locked", async () => {
    const api = options(true, true).on("POST /api/auth/login", () =>
      json(429, { detail: "Locked.", code: "locked_out", retry_after: 620 }),
    );
    show(<AuthPage mode="login" />, api, "/login/");
    await userEvent.type(await screen.findByLabelText("Name"), "ana");
    await userEvent.type(screen.getByLabelText("Password"), "wrong horse");
    await userEvent.click(screen.getByTestId("auth-submit"));
    await screen.findByText(/Too many wrong passwords/);
    expect(screen.getByTestId("auth-submit").textContent).toMatch(/^Wait 10 min/);
  });
});
