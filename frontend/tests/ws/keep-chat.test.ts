import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createApp } from "@/lib/app";
import { accepted, GENERATION, token } from "../fakes/builders";
import { FakeApi, json } from "../fakes/fake-api";
import { FakeWebSocket } from "../fakes/fake-web-socket";

const USER = { id: 7, username: "ana", created_at: "2026-01-01T00:00:00Z" };
const ENTRY = { username: "ana", password: "correct horse battery", keepChat: true };
const DETAIL = {
  id: 12,
  title: "hi",
  created_at: "2026-01-01T00:00:00Z",
  updated_at: "2026-01-01T00:00:00Z",
  head: 41,
  messages: [
    { id: 40, role: "user", content: "hi", parent: null, generation: null },
    {
      id: 41,
      role: "assistant",
      content: "",
      parent: 40,
      generation: { id: GENERATION, status: "running", finish_reason: "" },
    },
  ],
};
let api: FakeApi;
let stop: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeWebSocket);
  FakeWebSocket.instances = [];
  api = new FakeApi()
    .on("POST /api/auth/register", () => json(201, { token: "access", user: USER }))
    .on("POST /api/auth/ws-ticket", () => json(200, { ticket: "t1", expires_in: 30 }));
  vi.stubGlobal("fetch", api.fetch);
});

afterEach(() => {
  stop();
  localStorage.clear();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function guestInMidStream() {
  const app = createApp({
    onDraftStored: () => undefined,
    onConversationsChanged: () => undefined,
    onIdentityChanged: () => undefined,
  });
  stop = app.start();
  await vi.advanceTimersByTimeAsync(100);
  const guest = FakeWebSocket.newest();
  guest.serveReady();
  app.chat.send(app.chat.state.get().draft, "hi");
  guest.serve(accepted({ client_id: guest.lastSent("prompt").client_id }));
  guest.serve(token(0, "Hel"));
  await vi.advanceTimersByTimeAsync(100);
  return app;
}

it("signs up with the chat, which goes on over the member's own connection", async () => {
  api.on("POST /api/conversations/keep", () => json(201, DETAIL));
  const app = await guestInMidStream();
  await app.session.register(ENTRY);
  await vi.advanceTimersByTimeAsync(100);

  const kept = api.requests.find(({ path }) => path === "/api/conversations/keep");
  expect(kept).toMatchObject({
    authorization: "Bearer access",
    body: { turns: [{ role: "user", content: "hi" }], generation: GENERATION },
  });
  const register = api.requests.find(({ path }) => path === "/api/auth/register");
  expect(register?.body).not.toHaveProperty("keepChat");
  expect(app.session.state.get()).toMatchObject({ status: "member", kept: 12 });
  const member = FakeWebSocket.newest();
  expect(member.url).toContain("ticket=t1");
  member.serveReady();
  expect(member.lastSent("resume")).toEqual({ type: "resume", generation: GENERATION, after: "0-0" });
  expect(app.chat.state.get().transcripts["c:12"]?.messages.map(({ id }) => id)).toEqual([40, 41]);
});

it("signs up and says so when the chat could not be stored, and keeps it on the page", async () => {
  api.on("POST /api/conversations/keep", () => json(503, { detail: "", code: "unavailable" }));
  const app = await guestInMidStream();
  await app.session.register(ENTRY);
  expect(app.session.state.get()).toMatchObject({ status: "member", kept: null });
  const { draft, transcripts } = app.chat.state.get();
  expect(transcripts[draft]).toMatchObject({ unkept: { code: "unavailable" } });
  expect(transcripts[draft]?.messages).toHaveLength(2);
});

it("says why the server has ended the connection, until there is one again", async () => {
  const app = await guestInMidStream();
  FakeWebSocket.newest().drop(4429);
  expect(app.problem.get()?.code).toBe("too_many_tabs");
  expect(app.connection.get()).toBe("waiting");
  for (let waited = 0; FakeWebSocket.instances.length < 2 && waited < 60; waited += 1) {
    await vi.advanceTimersByTimeAsync(1_000);
  }
  FakeWebSocket.newest().serveReady();
  expect(app.problem.get()).toBeNull();
});
