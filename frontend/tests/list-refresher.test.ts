import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { expect, it, vi } from "vitest";
import { FakeApi, json } from "./fakes/fake-api";
import { CONVERSATIONS, createListRefresher } from "@/hooks/list-refresher";
import { ApiClient } from "@/lib/api/client";
import type { ConversationPage, ConversationSummary } from "@/lib/api/conversations";

const TIME = "2026-11-23T10:00:00Z";
const FRONT = "GET /api/conversations?limit=100";
const KEY = [...CONVERSATIONS, "active"];

function item(id: number): ConversationSummary {
  const times = { createdAt: TIME, updatedAt: TIME };
  return { id, title: "of Ana", ...times, isPinned: false, isArchived: false };
}

it("a look at a long list that ends after a sign-out leaves nothing to the next person", async () => {
  let answer: (response: Response) => void = () => undefined;
  const api = new FakeApi().on(FRONT, () => new Promise((resolve) => (answer = resolve)));
  const client = new QueryClient();
  const items = Array.from({ length: 101 }, (_, at) => item(at + 1));
  const list: ConversationPage = { items, next: null };
  client.setQueryData(KEY, list);
  const watched = new QueryObserver(client, {
    queryKey: KEY,
    staleTime: Infinity,
    queryFn: () => list,
  });
  const stop = watched.subscribe(() => undefined);
  const server = new ApiClient({ origin: "http://api.test", fetch: api.fetch });
  createListRefresher(client, () => server)();
  await vi.waitFor(() => expect(api.count(FRONT)).toBe(1));
  stop();
  client.clear();
  answer(json(200, [{ id: 1, title: "of Ana", created_at: TIME, updated_at: TIME }]));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(client.getQueryData(KEY)).toBeUndefined();
});
