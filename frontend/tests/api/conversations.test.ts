import { describe, expect, it } from "vitest";
import { ApiClient } from "@/lib/api/client";
import { getConversation, listConversations } from "@/lib/api/conversations";
import { nextLink } from "@/lib/api/link-header";
import { FakeApi, json } from "../fakes/fake-api";

const SUMMARY = {
  id: 3,
  title: "Dogs",
  created_at: "2026-01-01T10:00:00Z",
  updated_at: "2026-01-02T10:00:00Z",
  pinned: false,
  archived: false,
};

function clientFor(api: FakeApi): ApiClient {
  return new ApiClient({ origin: "http://api.test", fetch: api.fetch });
}

describe("listConversations", () => {
  it("reads the page and where the next one is, on our own origin", async () => {
    const link = '<http://behind.proxy/api/conversations?limit=30&cursor=abc>; rel="next"';
    const api = new FakeApi().on("GET /api/conversations?limit=30", () =>
      json(200, [SUMMARY], { Link: link }),
    );
    const page = await listConversations(clientFor(api), null);
    expect(page.items[0]).toMatchObject({ id: 3, title: "Dogs", isPinned: false });
    expect(page.next).toBe("/api/conversations?limit=30&cursor=abc");
  });

  it("has no next page without a link", async () => {
    const api = new FakeApi().on("GET /api/conversations?limit=30", () => json(200, []));
    expect((await listConversations(clientFor(api), null)).next).toBeNull();
  });
});

describe("getConversation", () => {
  it("reads messages and the state of their generations", async () => {
    const detail = {
      ...SUMMARY,
      head: 41,
      messages: [
        { id: 40, role: "user", content: "hi", parent: null, generation: null },
        {
          id: 41,
          role: "assistant",
          content: "He",
          parent: 40,
          generation: { id: "g", status: "running", finish_reason: "" },
        },
      ],
    };
    const api = new FakeApi().on("GET /api/conversations/3?limit=100", () => json(200, detail));
    const { messages } = await getConversation(clientFor(api), 3);
    expect(messages.map((message) => message.generation?.status)).toEqual([undefined, "running"]);
  });
});

describe("nextLink", () => {
  it.each([
    [null, null],
    ['<https://a.test/?p=1>; rel="prev"', null],
    ['<https://a.test/?p=1>; rel="prev", <https://a.test/?p=3>; rel="next"', "https://a.test/?p=3"],
    ["</api/x?cursor=a,b>; rel=next", "/api/x?cursor=a,b"],
  ])("finds the next page in %s", (header, link) => {
    expect(nextLink(header)).toBe(link);
  });
});
