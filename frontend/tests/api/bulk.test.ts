import { describe, expect, it } from "vitest";
import { changeConversation, changeConversations, deleteConversations } from "@/lib/api/bulk";
import { ApiClient } from "@/lib/api/client";
import { json } from "../fakes/fake-api";
import { FakeConversations } from "../fakes/fake-conversations";

function setUp(count: number) {
  const server = new FakeConversations();
  for (let id = 1; id <= count; id += 1) server.add({ id });
  const api = new ApiClient({ origin: "http://api.test", fetch: server.fetch });
  return { server, api, ids: server.rows.map(({ id }) => id) };
}

function sizes(server: FakeConversations): readonly number[] {
  return server.requests.map(({ body }) => (body as { ids: number[] }).ids.length);
}

describe("changes of many conversations", () => {
  it("go in hundreds, as the server takes them", async () => {
    const { server, api, ids } = setUp(250);
    await changeConversations(api, ids, "pin");
    expect(sizes(server)).toEqual([100, 100, 50]);
    expect(server.rows.every((row) => row.pinned)).toBe(true);
  });

  it("are all on their way at once when the page goes", async () => {
    const { server, api, ids } = setUp(150);
    const sent = deleteConversations(api, ids, { isLast: true });
    expect(sizes(server)).toEqual([100, 50]);
    expect(server.requests.every(({ isKeptAlive }) => isKeptAlive)).toBe(true);
    await sent;
    expect(server.rows).toEqual([]);
  });
});

describe("one conversation", () => {
  it("is changed by the server's names, and only where it was asked", async () => {
    const { server, api } = setUp(1);
    expect(await changeConversation(api, 1, { isPinned: true })).toMatchObject({ isPinned: true });
    expect(server.requests[0]?.body).toEqual({ pinned: true });
  });

  it("that is gone already counts as deleted, other failures do not", async () => {
    const { server, api } = setUp(1);
    await deleteConversations(api, [77]);
    server.intercept = () => json(503, { code: "unavailable", detail: "" });
    await expect(deleteConversations(api, [1])).rejects.toMatchObject({ code: "unavailable" });
  });
});
