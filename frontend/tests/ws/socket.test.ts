import { beforeEach, describe, expect, it, vi } from "vitest";
import { backoffMs } from "@/lib/backoff";
import { ChatSocket, type SocketStatus } from "@/lib/ws/socket";
import { FakeWebSocket } from "../fakes/fake-web-socket";

let statuses: SocketStatus[];
const onSessionEnded = vi.fn();
const onRefused = vi.fn();
const url = vi.fn(async () => "ws://test/ws/chat/");

function createSocket(): ChatSocket {
  return new ChatSocket({
    url,
    onEvent: () => undefined,
    onStatus: (status) => statuses.push(status),
    onSessionEnded,
    onRefused,
  });
}

async function connected(): Promise<ChatSocket> {
  const socket = createSocket();
  socket.connect();
  await vi.advanceTimersByTimeAsync(0);
  FakeWebSocket.newest().serveReady();
  return socket;
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeWebSocket);
  FakeWebSocket.instances = [];
  statuses = [];
  url.mockClear();
  url.mockImplementation(async () => "ws://test/ws/chat/");
  onSessionEnded.mockReset();
  onRefused.mockReset();
});

describe("ChatSocket", () => {
  it("is open only after ready", async () => {
    const socket = createSocket();
    socket.connect();
    await vi.advanceTimersByTimeAsync(0);
    expect(socket.send({ type: "ping" })).toBe(false);
    FakeWebSocket.newest().serveReady();
    expect(socket.send({ type: "ping" })).toBe(true);
    expect(statuses).toEqual(["connecting", "open"]);
  });

  it("reconnects by itself, with a fresh address each time", async () => {
    await connected();
    FakeWebSocket.newest().drop();
    expect(statuses.at(-1)).toBe("waiting");
    await vi.advanceTimersByTimeAsync(500);
    FakeWebSocket.newest().serveReady();
    expect(statuses.at(-1)).toBe("open");
    expect(url).toHaveBeenCalledTimes(2);
  });

  it("goes on trying when the address cannot be had", async () => {
    url.mockRejectedValueOnce(new Error("no ticket"));
    createSocket().connect();
    await vi.advanceTimersByTimeAsync(0);
    expect(statuses.at(-1)).toBe("waiting");
    await vi.advanceTimersByTimeAsync(500);
    expect(FakeWebSocket.instances).toHaveLength(1);
  });

  it("asks for another address when one does not come", async () => {
    url.mockReturnValueOnce(new Promise<never>(() => undefined));
    createSocket().connect();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(url).toHaveBeenCalledTimes(2);
    expect(FakeWebSocket.instances).toHaveLength(1);
  });

  it("pings in a silence and reconnects when nothing comes back", async () => {
    await connected();
    const first = FakeWebSocket.newest();
    await vi.advanceTimersByTimeAsync(25_000);
    expect(first.lastSent("ping")).toEqual({ type: "ping" });
    first.serve({ type: "pong" });
    await vi.advanceTimersByTimeAsync(24_000);
    expect(statuses.at(-1)).toBe("open");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(first.isClosed).toBe(true);
    expect(statuses).toContain("waiting");
  });

  it("does not come back when the server refuses it", async () => {
    await connected();
    FakeWebSocket.newest().drop(4403);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(onRefused).toHaveBeenCalledOnce();
    expect(FakeWebSocket.instances).toHaveLength(1);
    expect(statuses.at(-1)).toBe("refused");
  });

  it("reports an ended session and tries again with a new ticket", async () => {
    await connected();
    FakeWebSocket.newest().drop(4401);
    expect(onSessionEnded).toHaveBeenCalledOnce();
    await vi.advanceTimersByTimeAsync(500);
    expect(url).toHaveBeenCalledTimes(2);
  });

  it("waits longer when there are too many sockets", async () => {
    await connected();
    FakeWebSocket.newest().drop(4429);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(FakeWebSocket.instances).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(6_000);
    expect(FakeWebSocket.instances).toHaveLength(2);
  });

  it("stays closed after close, also when an address was on its way", async () => {
    const socket = createSocket();
    socket.connect();
    socket.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeWebSocket.instances).toHaveLength(0);
  });

  it("looks at once when the page comes back", async () => {
    const socket = await connected();
    FakeWebSocket.newest().drop();
    socket.probe();
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeWebSocket.instances).toHaveLength(2);
  });
});

describe("backoffMs", () => {
  it("doubles up to a limit, half of it at random", () => {
    expect([0, 1, 2, 10].map((n) => backoffMs(n, () => 0))).toEqual([250, 500, 1_000, 10_000]);
    expect([0, 1, 2, 10].map((n) => backoffMs(n, () => 1))).toEqual([500, 1_000, 2_000, 20_000]);
  });
});
