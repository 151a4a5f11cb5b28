import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createApp } from "@/lib/app";
import { MEMBER_FLAG } from "@/lib/session";
import { accepted, GENERATION, token } from "../fakes/builders";
import { FakeApi, json } from "../fakes/fake-api";
import { FakeWebSocket } from "../fakes/fake-web-socket";

const USER = { id: 7, username: "ana", created_at: "2026-01-01T00:00:00Z" };
let api: FakeApi;
let stop: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeWebSocket);
  FakeWebSocket.instances = [];
  localStorage.setItem(MEMBER_FLAG, "1");
  let tokens = 0;
  let tickets = 0;
  api = new FakeApi()
    .on("POST /api/auth/refresh", () => json(200, { token: `access-${++tokens}` }))
    .on("GET /api/auth/me", () => json(200, USER))
    .on("POST /api/auth/ws-ticket", () => json(200, { ticket: `t${++tickets}`, expires_in: 30 }));
  vi.stubGlobal("fetch", api.fetch);
});

afterEach(() => {
  stop();
  localStorage.clear();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("goes on with an answer over a new ticket when the session's token ends in its middle", async () => {
  const app = createApp({
    onDraftStored: () => undefined,
    onConversationsChanged: () => undefined,
    onIdentityChanged: () => undefined,
  });
  stop = app.start();
  await vi.advanceTimersByTimeAsync(100);
  const first = FakeWebSocket.newest();
  expect(first.url).toContain("ticket=t1");
  first.serveReady();
  app.chat.send(app.chat.state.get().draft, "hi");
  const clientId = first.lastSent("prompt").client_id;
  first.serve(accepted({ client_id: clientId, conversation: 3 }));
  first.serve(token(0, "Hel"));
  await vi.advanceTimersByTimeAsync(100);

  first.drop(4401);
  await vi.advanceTimersByTimeAsync(5_000);

  const second = FakeWebSocket.newest();
  expect(second).not.toBe(first);
  expect(second.url).toContain("ticket=t2");
  const bought = api.requests.filter(({ path }) => path === "/api/auth/ws-ticket");
  expect(bought.map((request) => request.authorization)).toEqual([
    "Bearer access-1",
    "Bearer access-2",
  ]);
  second.serveReady();
  expect(second.lastSent("resume")).toEqual({
    type: "resume",
    generation: GENERATION,
    after: "0-0",
  });
  expect(second.sent.filter(({ type }) => type === "prompt")).toEqual([]);
  second.serve(token(1, "lo"));
  second.serve({
    type: "done",
    generation: GENERATION,
    text: "Hello",
    finish_reason: "stop",
  });
  await vi.advanceTimersByTimeAsync(100);
  expect(app.chat.state.get().replies[`a:${clientId}`]).toMatchObject({ text: "Hello" });
  expect(app.session.state.get().status).toBe("member");
});
