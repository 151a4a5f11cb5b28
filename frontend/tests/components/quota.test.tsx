import { act, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { QuotaHint } from "@/components/chat/quota-hint";
import { ReplyFailure } from "@/components/chat/reply-failure";
import { Providers } from "@/components/providers";
import { UsageSection } from "@/components/settings/usage-section";
import { clockTime } from "@/lib/dates";
import { describeWait } from "@/lib/failure";
import { parseUser } from "@/lib/api/auth";
import { localMessage, NEW_REPLY } from "@/lib/chat/state";
import { FakeApi, json } from "../fakes/fake-api";
import { FakeWebSocket } from "../fakes/fake-web-socket";
import { renderInApp, showTranscript, testApp } from "../fakes/test-app";

function quota(remaining: number, role = "guest"): object {
  return {
    role,
    is_limited: true,
    limits: [
      { name: "prompts_per_minute", limit: 10, remaining: 10, reset_s: 0, window_s: 60 },
      { name: "prompts_per_day", limit: 200, remaining, reset_s: 3_720, window_s: 86_400 },
      { name: "running", limit: 2, remaining: 1, reset_s: 0, window_s: 0 },
      { name: "moons_per_orbit", limit: 0, remaining: 0, reset_s: 0, window_s: 300 },
    ],
  };
}

function guestApp(api: FakeApi) {
  const app = testApp(api);
  app.session.state.set({ ...app.session.state.get(), status: "guest" });
  return app;
}

beforeEach(() => {
  vi.stubGlobal("WebSocket", FakeWebSocket);
  localStorage.clear();
});

describe("usage", () => {
  it("shows what is left to guests, too, and when it is all there again", async () => {
    const api = new FakeApi().on("GET /api/quota", () => json(200, quota(150)));
    vi.stubGlobal("fetch", api.fetch);
    render(
      <Providers>
        <UsageSection />
      </Providers>,
    );
    const row = await screen.findByTestId("usage-prompts_per_day");
    expect(row.textContent).toContain("150 of 200 left");
    expect(row.textContent).toContain("More comes back in 1 h 2 min.");
    const bar = screen.getByRole("progressbar", { name: "Messages a day, used" });
    expect(bar.getAttribute("aria-valuenow")).toBe("50");
    expect(screen.getByTestId("usage-prompts_per_minute").textContent).toContain("Nothing used.");
    // A limit that this page does not know yet.
    expect(screen.getByTestId("usage-moons_per_orbit").textContent).toContain("Messages in 5 min");
    expect(screen.getByTestId("usage-running").textContent).toContain("1 of 2 left");
    screen.getByRole("link", { name: "Create an account" });
  });

  it("says so where nothing is counted", async () => {
    const unlimited = { role: "member", is_limited: false, limits: [] };
    const api = new FakeApi().on("GET /api/quota", () => json(200, unlimited));
    renderInApp(guestApp(api), <UsageSection />);
    await screen.findByTestId("usage-unlimited");
  });
});

describe("the hint below the message field", () => {
  it.each([
    [20, null],
    [19, "19 left today"],
    [0, "None left today"],
  ])("with %i of 200 left it says %s", async (remaining, words) => {
    const api = new FakeApi().on("GET /api/quota", () => json(200, quota(remaining)));
    renderInApp(guestApp(api), <QuotaHint transcriptKey="draft:0" />);
    await waitFor(() => expect(api.count("GET /api/quota")).toBe(1));
    if (words === null) expect(screen.queryByTestId("quota-hint")).toBeNull();
    else expect((await screen.findByTestId("quota-hint")).textContent).toContain(words);
  });

  it("asks nobody while plenty is left, but does not miss a small day's end", async () => {
    let remaining = 4;
    const day = { name: "prompts_per_day", limit: 4, reset_s: 9, window_s: 86_400 };
    const api = new FakeApi().on("GET /api/quota", () =>
      json(200, { role: "guest", is_limited: true, limits: [{ ...day, remaining }] }),
    );
    const app = guestApp(api);
    renderInApp(app, <QuotaHint transcriptKey="draft:0" />);
    await waitFor(() => expect(api.count("GET /api/quota")).toBe(1));
    for (const asked of [1, 1, 2, 3]) {
      remaining -= 1;
      act(() => app.chat.send("draft:0", "hi"));
      const [key = ""] = Object.keys(app.chat.state.get().replies);
      act(() => void app.chat.takeBack(key));
      await waitFor(() => expect(api.count("GET /api/quota")).toBe(asked));
    }
    expect((await screen.findByTestId("quota-hint")).textContent).toContain("None left today");
  });

  it("counts again after an answer where little is left", async () => {
    let remaining = 21;
    const api = new FakeApi().on("GET /api/quota", () => json(200, quota(remaining--)));
    const app = guestApp(api);
    renderInApp(app, <QuotaHint transcriptKey="draft:0" />);
    await waitFor(() => expect(api.count("GET /api/quota")).toBe(1));
    for (const wanted of [20, 19]) {
      act(() => app.chat.send("draft:0", "hi"));
      const [key = ""] = Object.keys(app.chat.state.get().replies);
      act(() => void app.chat.takeBack(key));
      await waitFor(() => expect(api.count("GET /api/quota")).toBe(22 - wanted));
    }
    expect((await screen.findByTestId("quota-hint")).textContent).toContain("19 left today");
  });
});

describe("a day that is used up", () => {
  const KEY = "a:1";

  function failed(retryAfterS: number, isGuest: boolean) {
    const app = guestApp(new FakeApi());
    if (!isGuest) {
      const user = parseUser({ id: 1, username: "ana" });
      app.session.state.set({ ...app.session.state.get(), status: "member", user });
    }
    showTranscript(app, "draft:0", [localMessage(KEY, "assistant", "")]);
    const failure = { code: "quota_exceeded", detail: "", retryAfterS, data: { limit: 200 } };
    const reply = { ...NEW_REPLY, transcript: "draft:0", prompt: "hi", failure };
    const state = app.chat.state.get();
    app.chat.state.set({ ...state, replies: { [KEY]: { ...reply, status: "failed" } } });
    renderInApp(app, <ReplyFailure replyKey={KEY} failure={failure} onEdit={() => undefined} />);
    return app;
  }

  it("says when there is more, and to guests how to get more at once", () => {
    failed(7_500, true);
    const card = screen.getByTestId("quota-spent");
    expect(card.textContent).toContain("You have used all 200 messages.");
    expect(card.textContent).toMatch(/It goes on (at|on) .*\d\d:\d\d, in 2 h 5 min\./);
    expect(screen.getByTestId("quota-sign-up").getAttribute("href")).toMatch(/^\/register\/?$/);
    expect(screen.queryByTestId("retry")).toBeNull();
  });

  it("lets a member try again when the time has come", async () => {
    const app = failed(1, false);
    expect(screen.queryByTestId("quota-sign-up")).toBeNull();
    await userEvent.click(await screen.findByTestId("retry", {}, { timeout: 10_000 }));
    const prompts = app.chat.state.get().transcripts["draft:0"]?.messages.map(({ text }) => text);
    expect(prompts).toEqual(["hi", ""]);
  });
});

it.each([
  [17, "17 s"],
  [200, "3 min 20 s"],
  [3_600, "1 h"],
  [18_750, "5 h 12 min"],
])("a wait of %i s is %s", (seconds, words) => expect(describeWait(seconds)).toBe(words));

it("a time of another day has its day", () => {
  const now = new Date(2026, 10, 23, 20, 0);
  expect(clockTime(new Date(2026, 10, 23, 23, 5).toISOString(), now)).toBe("at 23:05");
  expect(clockTime(new Date(2026, 10, 24, 9, 5).toISOString(), now)).toBe("on 24 Nov, 09:05");
});
