/** Changes to conversations, one or many, and their deletion. */
import type { ApiClient } from "./client";
import { type ConversationSummary, parseSummary } from "./conversations";
import { ApiError } from "./errors";

export type BulkAction = "delete" | "archive" | "unarchive" | "pin" | "unpin";

export interface ConversationChanges {
  readonly title?: string;
  readonly isPinned?: boolean;
  readonly isArchived?: boolean;
}

/** The server takes so many at once. */
export const BULK_MAX = 100;

export async function changeConversation(
  api: ApiClient,
  id: number,
  { title, isPinned, isArchived }: ConversationChanges,
): Promise<ConversationSummary> {
  const changes = { title, pinned: isPinned, archived: isArchived };
  const { body } = await api.request("PATCH", `/api/conversations/${id}`, { body: changes });
  return parseSummary(body);
}

/** Ids that are gone already are passed over. */
export async function changeConversations(
  api: ApiClient,
  ids: readonly number[],
  action: BulkAction,
): Promise<void> {
  for (const chunk of chunksOf(ids)) {
    await api.request("POST", "/api/conversations/bulk", { body: { ids: chunk, action } });
  }
}

/** `isLast`: the page is going away, so nothing can be sent after this. */
export async function deleteConversations(
  api: ApiClient,
  ids: readonly number[],
  { isLast = false } = {},
): Promise<void> {
  const [first, ...others] = ids;
  if (first === undefined) return;
  if (others.length === 0) return deleteOne(api, first, isLast);
  const requests = chunksOf(ids).map((chunk) => () => {
    const body = { ids: chunk, action: "delete" };
    return api.request("POST", "/api/conversations/bulk", { body, isKeptAlive: isLast });
  });
  if (isLast) await Promise.all(requests.map((send) => send()));
  else for (const send of requests) await send();
}

async function deleteOne(api: ApiClient, id: number, isLast: boolean): Promise<void> {
  try {
    await api.request("DELETE", `/api/conversations/${id}`, { isKeptAlive: isLast });
  } catch (error) {
    // Another tab was quicker.
    if (!(error instanceof ApiError && error.status === 404)) throw error;
  }
}

function chunksOf(ids: readonly number[]): readonly (readonly number[])[] {
  const count = Math.ceil(ids.length / BULK_MAX);
  return Array.from({ length: count }, (_, i) => ids.slice(i * BULK_MAX, (i + 1) * BULK_MAX));
}
