import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { AuthForm, type AuthMode } from "@/components/auth/auth-form";
import { Providers } from "@/components/providers";
import { SessionKeeper } from "@/lib/session";
import { FakeApi, json } from "../fakes/fake-api";
import { FakeWebSocket } from "../fakes/fake-web-socket";

function show(api: FakeApi, mode: AuthMode, hasChat = false): void {
  vi.stubGlobal("fetch", api.fetch);
  render(
    <Providers>
      <AuthForm mode={mode} hasChat={hasChat} />
    </Providers>,
  );
}

async function submit(api: FakeApi, mode: AuthMode): Promise<void> {
  show(api, mode);
  await fillIn();
}

async function fillIn(): Promise<void> {
  await userEvent.type(screen.getByLabelText("Name"), " ana ");
  await userEvent.type(screen.getByLabelText("Password"), "correct horse");
  await userEvent.click(screen.getByTestId("auth-submit"));
}

beforeEach(() => {
  vi.stubGlobal("WebSocket", FakeWebSocket);
});

describe("AuthForm", () => {
  it("sends the name without stray spaces and the password as it is", async () => {
    const api = new FakeApi();
    await submit(api, "login");
    expect(api.requests[0]).toMatchObject({
      path: "/api/auth/login",
      body: { username: "ana", password: "correct horse" },
    });
  });

  it("says what is wrong and can be sent again", async () => {
    const api = new FakeApi().on("POST /api/auth/login", () =>
      json(401, { detail: "Wrong.", code: "invalid_credentials" }),
    );
    await submit(api, "login");
    expect((await screen.findByRole("alert")).textContent).toBe(
      "The name or the password is wrong.",
    );
    expect(screen.getByTestId<HTMLButtonElement>("auth-submit").disabled).toBe(false);
  });

  it("tells how long to wait", async () => {
    const api = new FakeApi().on("POST /api/auth/login", () =>
      json(429, { detail: "Slow down.", code: "rate_limited", retry_after: 17 }),
    );
    await submit(api, "login");
    const button = screen.getByTestId<HTMLButtonElement>("auth-submit");
    await waitFor(() => expect(button.textContent).toBe("Wait 17 s"));
    expect(button.disabled).toBe(true);
    screen.getByText("Try again in 17 s.");
  });

  it("counts the wait down and lets it be tried again", async () => {
    const api = new FakeApi().on("POST /api/auth/login", () =>
      json(429, { detail: "Slow down.", code: "rate_limited", retry_after: 1 }),
    );
    await submit(api, "login");
    await screen.findByText("Try again in 1 s.");
    await waitFor(() => expect(screen.queryByText(/Try again in/)).toBeNull(), { timeout: 10_000 });
    expect(screen.getByTestId<HTMLButtonElement>("auth-submit").disabled).toBe(false);
  });

  it("puts a taken name's message at its field", async () => {
    const api = new FakeApi().on("POST /api/auth/register", () =>
      json(409, { detail: "This username is taken.", code: "username_taken" }),
    );
    await submit(api, "register");
    await screen.findByText("This name is taken. Try another one.");
    expect(screen.getByLabelText("Name").getAttribute("aria-invalid")).toBe("true");
  });

  it("puts the server's messages at their fields", async () => {
    const fields = { password: ["This password is too common."] };
    const api = new FakeApi().on("POST /api/auth/register", () =>
      json(400, { detail: "…", code: "invalid", fields }),
    );
    await submit(api, "register");
    await screen.findByText("This password is too common.");
  });

  it("moves the focus to the first wrong field", async () => {
    show(new FakeApi(), "register");
    await userEvent.type(screen.getByLabelText("Name"), "a b");
    await userEvent.type(screen.getByLabelText("Password"), "correct horse{Enter}");
    await screen.findByText("Use letters a–z, digits and _ . - only.");
    expect(document.activeElement).toBe(screen.getByLabelText("Name"));
  });

  it("asks the server nothing while something is missing", async () => {
    const api = new FakeApi();
    show(api, "login");
    await userEvent.click(screen.getByTestId("auth-submit"));
    await screen.findByText("Enter your password.");
    expect(api.requests).toEqual([]);
  });

  it("shows and hides the password", async () => {
    show(new FakeApi(), "login");
    const field = screen.getByLabelText<HTMLInputElement>("Password");
    expect(field.type).toBe("password");
    await userEvent.click(screen.getByRole("button", { name: "Show the password" }));
    expect(field.type).toBe("text");
    await userEvent.click(screen.getByRole("button", { name: "Hide the password" }));
    expect(field.type).toBe("password");
  });

  it("tells how strong a new password is, in words", async () => {
    show(new FakeApi(), "register");
    await userEvent.type(screen.getByLabelText("Password"), "password1");
    expect(screen.getByTestId("strength").textContent).toContain("Weak");
    await userEvent.type(screen.getByLabelText("Password"), " correct horse battery");
    expect(screen.getByTestId("strength").textContent).toBe("Strong");
  });

  it("lets a new password be pasted", async () => {
    show(new FakeApi(), "register");
    const field = screen.getByLabelText<HTMLInputElement>("Password");
    await userEvent.click(field);
    await userEvent.paste("correct horse battery");
    expect(field.value).toBe("correct horse battery");
    expect(field.autocomplete).toBe("new-password");
  });

  it.each([
    ["register", true],
    ["login", false],
  ] as const)("on %s says whether the guest's chat comes along: %s", async (mode, isKept) => {
    const enter = vi.spyOn(SessionKeeper.prototype, mode).mockResolvedValue();
    show(new FakeApi(), mode, true);
    if (!isKept) await userEvent.click(screen.getByLabelText("Keep this chat"));
    await fillIn();
    expect(enter).toHaveBeenCalledWith(expect.objectContaining({ keepChat: isKept }));
  });

  it("does not offer to keep a chat that is not there", () => {
    show(new FakeApi(), "register");
    expect(screen.queryByTestId("keep-chat")).toBeNull();
  });
});
