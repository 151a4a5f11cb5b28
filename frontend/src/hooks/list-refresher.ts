/** Keeps the lists of conversations current; apart from what shows them, which not every page does. */
import type { QueryClient } from "@tanstack/react-query";
import type { ApiClient } from "@/lib/api/client";
import { type ConversationPage, listConversations } from "@/lib/api/conversations";
import { firstPage, type ListView, PAGE_MAX, replaceFront } from "@/lib/conversation-list";

export const CONVERSATIONS = ["conversations"] as const;

/** Several hints in a row, of a bulk action for instance, are one look. */
const HINT_DELAY_MS = 250;

export function keyOf(view: ListView): readonly string[] {
  return [...CONVERSATIONS, view];
}

/**
 * What a hint of the server sets off: one look at the front of the list, where changes are. What
 * lies further down is read again when the person comes back to the page.
 */
export function createListRefresher(client: QueryClient, api: () => ApiClient): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      for (const view of ["active", "archived"] as const) void refreshFront(client, api(), view);
    }, HINT_DELAY_MS);
  };
}

async function refreshFront(client: QueryClient, api: ApiClient, view: ListView): Promise<void> {
  const queryKey = keyOf(view);
  const known = client.getQueryData<ConversationPage>(queryKey);
  const isSmall = known === undefined || known.items.length <= PAGE_MAX;
  const isWatched = client.getQueryCache().find({ queryKey })?.isActive() ?? false;
  if (isSmall || !isWatched) return client.invalidateQueries({ queryKey });
  try {
    const front = await listConversations(api, firstPage(view, PAGE_MAX));
    // Where there is none any more, somebody else may be using the page.
    client.setQueryData<ConversationPage>(queryKey, (list) => list && replaceFront(list, front));
  } catch {
    // The next hint, or coming back to the page, looks again.
  }
}
