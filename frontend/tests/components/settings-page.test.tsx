import { act, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { Providers } from "@/components/providers";
import { SettingsPage } from "@/components/settings/settings-page";
import { loadPreferences, preferences } from "@/lib/preferences";
import { MEMBER_FLAG } from "@/lib/session";
import { FakeApi, json } from "../fakes/fake-api";
import { FakeWebSocket } from "../fakes/fake-web-socket";

const replace = vi.fn();
vi.mock("next/navigation", () => ({ useRouter: () => ({ replace }) }));

const ANA = {
  id: 1,
  username: "ana",
  created_at: "2026-11-22T12:00:00Z",
  settings: { sampling: { temperature: 1 } },
};
const KEY = {
  id: 3,
  name: "notebook",
  prefix: "eugpt-Zk3v9Q",
  created_at: "2026-11-22T12:00:00Z",
  last_used_at: null,
  expires_at: null,
};
const SECRET = "eugpt-Zk3v9Q1s0mGf2d8b7wT5xYcLrJ4hNnPq6uEaVoIiKtM";

function session(id: string, isCurrent: boolean): object {
  const now = new Date().toISOString();
  const device = isCurrent ? "Chromium on Linux" : `Firefox on Windows ${id}`;
  return { id, created_at: now, last_seen_at: now, device, is_current: isCurrent };
}

/** A member's API; `on` of the test replaces what it wants otherwise. */
function memberApi(): FakeApi {
  localStorage.setItem(MEMBER_FLAG, "1");
  return new FakeApi()
    .on("POST /api/auth/refresh", () => json(200, { token: "t" }))
    .on("GET /api/auth/me", () => json(200, ANA))
    .on("POST /api/auth/ws-ticket", () => json(200, { ticket: "w", expires_in: 30 }));
}

async function show(tab: string, api: FakeApi): Promise<void> {
  history.replaceState(null, "", `/settings/?tab=${tab}`);
  vi.stubGlobal("fetch", api.fetch);
  render(
    <Providers>
      <SettingsPage />
    </Providers>,
  );
  await waitFor(() => expect(document.querySelector(`[data-section="${tab}"]`)).not.toBeNull());
  await waitFor(() => expect(document.querySelector("[aria-busy]")).toBeNull());
}

function bodyOf(api: FakeApi, route: string): unknown {
  return api.requests.findLast(({ method, path }) => `${method} ${path}` === route)?.body;
}

/** The thumb of a slider; arrow keys move it and let it go. */
function thumb(name: string): HTMLElement {
  return screen.getByRole("slider", { name });
}

beforeEach(() => {
  vi.stubGlobal("WebSocket", FakeWebSocket);
  replace.mockClear();
  loadPreferences();
});

describe("settings for guests", () => {
  it("tell what an account gives and lead back here", async () => {
    await show("keys", new FakeApi());
    screen.getByText("You are a guest");
    const link = screen.getByRole("link", { name: "Create an account" });
    expect(link.getAttribute("href")).toMatch(/^\/register\/?\?next=%2Fsettings%2F%3Ftab%3Dkeys$/);
  });

  it("keep the answers' defaults on this device", async () => {
    const api = new FakeApi();
    await show("answers", api);
    fireEvent.keyDown(thumb("Temperature"), { key: "ArrowRight" });
    await screen.findByText("Saved.");
    expect(localStorage.getItem("eugpt.sampling")).toBe('{"temperature":0.75}');
    expect(api.requests).toEqual([]);
    await userEvent.click(screen.getByTestId("sampling-reset"));
    expect(localStorage.getItem("eugpt.sampling")).toBeNull();
  });

  it("set motion and single-key shortcuts", async () => {
    await show("look", new FakeApi());
    await userEvent.click(screen.getByTestId("motion-reduced"));
    expect(document.documentElement.dataset.motion).toBe("reduced");
    await userEvent.click(screen.getByTestId("character-keys"));
    expect(preferences.get().hasCharacterKeys).toBe(false);
    await userEvent.click(screen.getByTestId("motion-system"));
    expect(document.documentElement.dataset.motion).toBeUndefined();
  });
});

describe("answers", () => {
  it("are saved when the slider is let go, one after the other", async () => {
    const answers: ((response: Response) => void)[] = [];
    const api = memberApi().on(
      "PATCH /api/auth/me",
      () => new Promise<Response>((resolve) => answers.push(resolve)),
    );
    await show("answers", api);
    expect(thumb("Temperature").getAttribute("aria-valuetext")).toBe("1.00");
    const move = (): boolean => fireEvent.keyDown(thumb("Temperature"), { key: "ArrowRight" });
    move();
    await waitFor(() => expect(answers).toHaveLength(1));
    move();
    move();
    const saved = { ...ANA, settings: { sampling: { temperature: 1.15 } } };
    act(() => answers[0]?.(json(200, { ...ANA, settings: { sampling: { temperature: 1.05 } } })));
    await waitFor(() => expect(answers).toHaveLength(2));
    expect(thumb("Temperature").getAttribute("aria-valuetext")).toBe("1.15");
    act(() => answers[1]?.(json(200, saved)));
    await screen.findByText("Saved.");
    // The one in between was overtaken and never sent.
    expect(api.count("PATCH /api/auth/me")).toBe(2);
    expect(bodyOf(api, "PATCH /api/auth/me")).toEqual({
      settings: { sampling: { temperature: 1.15 } },
    });
  });

  it("go back to what was saved when the server refuses", async () => {
    const api = memberApi().on("PATCH /api/auth/me", () =>
      json(429, { detail: "", code: "rate_limited", retry_after: 130 }),
    );
    await show("answers", api);
    fireEvent.keyDown(thumb("Temperature"), { key: "ArrowLeft" });
    await screen.findByText("Try again in 2 min 10 s.");
    expect((await screen.findByTestId("toast")).textContent).toContain("Not saved.");
    expect(thumb("Temperature").getAttribute("aria-valuetext")).toBe("1.00");
  });
});

describe("API keys", () => {
  it("are shown whole once, with an example", async () => {
    const api = memberApi()
      .on("GET /api/keys", () => json(200, [KEY]))
      .on("POST /api/keys", () => json(201, { ...KEY, key: SECRET }));
    await show("keys", api);
    await userEvent.type(screen.getByTestId("key-name"), "notebook");
    await userEvent.selectOptions(screen.getByTestId("key-life"), "Until I revoke it");
    await userEvent.click(screen.getByTestId("key-create"));
    expect((await screen.findByTestId("new-key-secret")).textContent).toBe(SECRET);
    expect(screen.getByTestId("curl").textContent).toContain(`Bearer ${SECRET}`);
    expect(bodyOf(api, "POST /api/keys")).toEqual({ name: "notebook", expires_at: null });
    await userEvent.click(screen.getByTestId("new-key-done"));
    expect(document.body.textContent).not.toContain(SECRET);
    expect(screen.getByTestId("curl").textContent).toContain("YOUR_KEY");
  });

  it("are revoked after a question", async () => {
    let keys = [KEY];
    const api = memberApi()
      .on("GET /api/keys", () => json(200, keys))
      .on("DELETE /api/keys/3", () => {
        keys = [];
        return json(204, null);
      });
    await show("keys", api);
    await userEvent.click(await screen.findByRole("button", { name: "Revoke notebook" }));
    expect(api.count("DELETE /api/keys/3")).toBe(0);
    await userEvent.click(screen.getByTestId("confirm"));
    await screen.findByText("You have none yet.");
  });

  it("say when there are too many", async () => {
    const api = memberApi()
      .on("GET /api/keys", () => json(200, []))
      .on("POST /api/keys", () => json(409, { detail: "", code: "too_many_keys", limit: 20 }));
    await show("keys", api);
    await userEvent.type(screen.getByTestId("key-name"), "one more{Enter}");
    expect((await screen.findByRole("alert")).textContent).toContain("Revoke one first");
  });
});

describe("sessions", () => {
  it("end one by one or all but this, also those that are gone already", async () => {
    let open = [session("a", true), session("b", false), session("c", false)];
    const end = (id: string): Response => {
      open = open.filter((one) => (one as { id: string }).id !== id);
      return id === "c" ? json(404, { detail: "", code: "not_found" }) : json(204, null);
    };
    const api = memberApi()
      .on("GET /api/auth/sessions", () => json(200, open))
      .on("DELETE /api/auth/sessions/b", () => end("b"))
      .on("DELETE /api/auth/sessions/c", () => end("c"));
    await show("sessions", api);
    const list = await screen.findByTestId("sessions");
    const [first] = within(list).getAllByRole("listitem");
    expect(first?.textContent).toContain("This device");
    expect(within(list).getAllByTestId("end-session")).toHaveLength(2);
    await userEvent.click(screen.getByTestId("end-others"));
    await userEvent.click(screen.getByTestId("confirm"));
    await screen.findByText("You are signed in nowhere else.");
    expect(api.count("DELETE /api/auth/sessions/a")).toBe(0);
  });

  it("that ended elsewhere are told, with the way back", async () => {
    let isOver = false;
    const over = (): Response => json(401, { detail: "", code: "not_authenticated" });
    const api = memberApi()
      .on("POST /api/auth/refresh", () => (isOver ? over() : json(200, { token: "t" })))
      .on("GET /api/auth/sessions", () => (isOver ? over() : json(200, [session("a", true)])))
      .on("PATCH /api/auth/me", over);
    await show("profile", api);
    isOver = true;
    await userEvent.type(screen.getByTestId("profile-name"), "bel{Enter}");
    const note = await screen.findByTestId("signed-out");
    expect(within(note).getByRole("link").getAttribute("href")).toMatch(
      /^\/login\/?\?next=%2Fsettings%2F%3Ftab%3Dprofile$/,
    );
    expect(localStorage.getItem(MEMBER_FLAG)).toBeNull();
  });
});

describe("profile and password", () => {
  it("put a taken name's message at its field, and keep what was typed in another part", async () => {
    const api = memberApi().on("PATCH /api/auth/me", () =>
      json(409, { detail: "", code: "username_taken" }),
    );
    await show("profile", api);
    const field = screen.getByTestId<HTMLInputElement>("profile-name");
    await userEvent.clear(field);
    await userEvent.type(field, "bela{Enter}");
    await screen.findByText("This name is taken. Try another one.");
    expect(document.activeElement).toBe(field);
    await userEvent.click(screen.getByTestId("settings-look"));
    await screen.findByTestId("theme-dark");
    expect(location.search).toBe("?tab=look");
    await userEvent.click(screen.getByTestId("settings-profile"));
    expect(screen.getByTestId<HTMLInputElement>("profile-name").value).toBe("bela");
  });

  it("tell a wrong password at its field, and go on with the new token", async () => {
    let isRight = false;
    const api = memberApi().on("POST /api/auth/password", () =>
      isRight
        ? json(200, { token: "new", user: ANA })
        : json(403, { detail: "", code: "wrong_password" }),
    );
    await show("password", api);
    await userEvent.type(screen.getByTestId("password-old"), "old one");
    await userEvent.type(screen.getByTestId("password-new"), "lantern-moss-eleven");
    await userEvent.click(screen.getByTestId("password-save"));
    await screen.findByText("This is not your password.");
    expect(document.activeElement).toBe(screen.getByTestId("password-old"));
    isRight = true;
    await userEvent.click(screen.getByTestId("password-save"));
    await screen.findByText(/Your password is changed/);
    expect(screen.getByTestId<HTMLInputElement>("password-new").value).toBe("");
    expect(bodyOf(api, "POST /api/auth/password")).toEqual({
      old_password: "old one",
      new_password: "lantern-moss-eleven",
    });
  });
});

describe("deleting the account", () => {
  it("needs the typed name and the password, and makes a guest", async () => {
    const api = memberApi().on("DELETE /api/auth/me", () => json(204, null));
    await show("data", api);
    await userEvent.click(screen.getByTestId("delete-account"));
    await userEvent.type(screen.getByTestId("delete-confirmation"), "anna");
    await userEvent.type(screen.getByTestId("delete-password"), "old one");
    await userEvent.click(screen.getByTestId("delete-account-confirm"));
    await screen.findByText("Type ana to confirm.");
    expect(api.count("DELETE /api/auth/me")).toBe(0);
    await userEvent.clear(screen.getByTestId("delete-confirmation"));
    await userEvent.type(screen.getByTestId("delete-confirmation"), "ana");
    await userEvent.click(screen.getByTestId("delete-account-confirm"));
    await waitFor(() => expect(replace).toHaveBeenCalledWith("/"));
    expect(bodyOf(api, "DELETE /api/auth/me")).toEqual({ password: "old one" });
    expect(localStorage.getItem(MEMBER_FLAG)).toBeNull();
  });
});
