"use client";

import { type QueryClient, useMutation, useQueryClient } from "@tanstack/react-query";
import { useApp } from "./use-app";
import { CONVERSATIONS } from "./list-refresher";
import { handFocusTo } from "./use-handed-focus";
import { SEARCH, type SearchData } from "./use-search";
import {
  type BulkAction,
  changeConversation,
  changeConversations,
  type ConversationChanges,
} from "@/lib/api/bulk";
import type { ConversationPage, ConversationSummary } from "@/lib/api/conversations";
import { toFailure } from "@/lib/api/errors";
import { changeItems, putItems } from "@/lib/conversation-list";
import { describeFailure } from "@/lib/failure";
import { showToast } from "@/lib/toasts";

interface Change {
  readonly items: readonly ConversationSummary[];
  readonly changes: ConversationChanges;
}

/** Rename, pin and archive: shown at once, and taken back with a notice if the server refuses. */
export function useChangeConversations() {
  const { api } = useApp();
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ items, changes }: Change): Promise<void> => {
      const [first, ...others] = items;
      if (first === undefined) return;
      if (others.length === 0) await changeConversation(api, first.id, changes);
      else await changeConversations(api, items.map(({ id }) => id), actionOf(changes));
    },
    onMutate: async ({ items, changes }) => {
      await client.cancelQueries({ queryKey: CONVERSATIONS });
      if (changes.isArchived !== undefined) {
        client.setQueriesData<ConversationPage>(
          { queryKey: CONVERSATIONS },
          (list) => list && putItems(list, items),
        );
      }
      const ids = new Set(items.map(({ id }) => id));
      applyEverywhere(client, (item) => (ids.has(item.id) ? { ...item, ...changes } : item));
    },
    onError: (error, { items, changes }) => {
      const before = new Map(items.map((item) => [item.id, pick(item, changes)]));
      applyEverywhere(client, (item) => ({ ...item, ...before.get(item.id) }));
      showToast({ text: `Not changed. ${describeFailure(toFailure(error))}`, isUrgent: true });
      return client.invalidateQueries({ queryKey: CONVERSATIONS });
    },
    // Both lists show it already; they look again when the person comes back to them.
    onSuccess: () => client.invalidateQueries({ queryKey: CONVERSATIONS, refetchType: "none" }),
  });
}

/** Archives or brings back, with a notice to undo it. */
export function useArchiveConversations() {
  const change = useChangeConversations();
  return (items: readonly ConversationSummary[], isArchived: boolean): void => {
    const what = items.length === 1 ? "Conversation" : `${items.length} conversations`;
    const set = (value: boolean): void => change.mutate({ items, changes: { isArchived: value } });
    set(isArchived);
    showToast({
      text: isArchived ? `${what} archived.` : `${what} moved back to the list.`,
      action: {
        label: "Undo",
        run: () => {
          if (items[0]) handFocusTo(`entry:${items[0].id}`);
          set(!isArchived);
        },
      },
    });
  };
}

function actionOf({ isArchived, isPinned }: ConversationChanges): BulkAction {
  if (isArchived !== undefined) return isArchived ? "archive" : "unarchive";
  return isPinned ? "pin" : "unpin";
}

function pick(item: ConversationSummary, changes: ConversationChanges): ConversationChanges {
  const names = Object.keys(changes) as (keyof ConversationChanges)[];
  return Object.fromEntries(names.map((name) => [name, item[name]]));
}

/** In both lists and in what was found. */
function applyEverywhere(
  client: QueryClient,
  change: (item: ConversationSummary) => ConversationSummary,
): void {
  client.setQueriesData<ConversationPage>(
    { queryKey: CONVERSATIONS },
    (list) => list && changeItems(list, change),
  );
  client.setQueriesData<SearchData>({ queryKey: SEARCH }, (data) => {
    const pages = data?.pages.map((page) => ({
      ...page,
      items: page.items.map((item) => ({ ...item, ...change(item) })),
    }));
    return data && pages && { ...data, pages };
  });
}
