import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { AuthForm, type AuthMode } from "@/components/auth/auth-form";
import { Providers } from "@/components/providers";
import { FakeApi, json } from "../fakes/fake-api";
import { FakeWebSocket } from "../fakes/fake-web-socket";

async function submit(api: FakeApi, mode: AuthMode): Promise<void> {
  vi.stubGlobal("fetch", api.fetch);
  render(
    <Providers>
      <AuthForm mode={mode} />
    </Providers>,
  );
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
    expect((await screen.findByRole("alert")).textContent).toBe("The name or the password is wrong.");
    expect(screen.getByTestId<HTMLButtonElement>("auth-submit").disabled).toBe(false);
  });

  it("tells how long to wait", async () => {
    const api = new FakeApi().on("POST /api/auth/login", () =>
      json(429, { detail: "Slow down.", code: "rate_limited", retry_after: 17 }),
    );
    await submit(api, "login");
    expect((await screen.findByRole("alert")).textContent).toContain("17 s");
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
});
