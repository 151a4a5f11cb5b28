import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type App, createApp } from "@/lib/app";
import { shownKey } from "@/lib/chat/selectors";
import {
  guestSampling,
  KNOBS,
  loadGuestSampling,
  setGuestSampling,
  valueOf,
  withValue,
} from "@/lib/sampling";
import { MEMBER_FLAG } from "@/lib/session";
import { FakeApi, json } from "./fakes/fake-api";
import { FakeWebSocket } from "./fakes/fake-web-socket";

const [TEMPERATURE, TOP_K] = KNOBS;
const BELA = {
  id: 2,
  username: "bela",
  created_at: "2026-11-22T12:00:00Z",
  settings: { sampling: { top_k: 5 } },
};

let app: App;
let stop = (): void => undefined;

function start(): void {
  const nothing = (): void => undefined;
  app = createApp({
    onDraftStored: nothing,
    onConversationsChanged: nothing,
    onIdentityChanged: nothing,
  });
  stop = app.start();
}

async function askedWith(): Promise<unknown> {
  await vi.waitFor(() => FakeWebSocket.newest());
  FakeWebSocket.newest().serveReady();
  app.chat.send(shownKey(app.chat.state.get(), null), "hi");
  return FakeWebSocket.newest().lastSent("prompt").params ?? {};
}

beforeEach(() => {
  FakeWebSocket.instances = [];
  vi.stubGlobal("WebSocket", FakeWebSocket);
  loadGuestSampling();
});

afterEach(() => stop());

describe("the defaults of answers", () => {
  it("go along with a guest's prompts, after a reload too", async () => {
    setGuestSampling({ temperature: 0.2 });
    start();
    expect(await askedWith()).toMatchObject({ temperature: 0.2 });
    setGuestSampling({ temperature: 1.2 });
    expect(await askedWith()).toMatchObject({ temperature: 1.2 });
  });

  it("are a member's own ones, not the guest's of this device", async () => {
    setGuestSampling({ temperature: 0.2 });
    localStorage.setItem(MEMBER_FLAG, "1");
    const api = new FakeApi()
      .on("POST /api/auth/refresh", () => json(200, { token: "t" }))
      .on("GET /api/auth/me", () => json(200, BELA))
      .on("POST /api/auth/ws-ticket", () => json(200, { ticket: "w", expires_in: 30 }));
    vi.stubGlobal("fetch", api.fetch);
    start();
    const params = await askedWith();
    expect(params).toMatchObject({ top_k: 5 });
    expect(params).not.toHaveProperty("temperature");
  });

  it.each(["nonsense", "[]", "null", '{"temperature":"hot"}', '{"temperature":99,"top_k":-1}'])(
    "are left out when storage holds %s",
    (stored) => {
      localStorage.setItem("eugpt.sampling", stored);
      loadGuestSampling();
      expect(guestSampling.get()).toEqual({});
    },
  );

  it("are kept only where they differ from the model's", () => {
    const changed = withValue(withValue({}, TEMPERATURE, 0.3), TOP_K, 7);
    expect(changed).toEqual({ temperature: 0.3, top_k: 7 });
    expect(withValue(changed, TEMPERATURE, TEMPERATURE.standard)).toEqual({ top_k: 7 });
    expect(valueOf({}, TOP_K)).toBe(40);
  });
});
