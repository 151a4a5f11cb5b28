"use client";

import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useApp } from "./use-app";
import { handFocusTo } from "./use-handed-focus";
import { conversationInAddress, showConversation } from "./use-shown-conversation";
import { deleteConversations } from "@/lib/api/bulk";
import type { ConversationSummary } from "@/lib/api/conversations";
import { toFailure } from "@/lib/api/errors";
import type { App } from "@/lib/app";
import { describeFailure } from "@/lib/failure";
import { PendingDeletes } from "@/lib/pending-deletes";

/** One for the life of the page: the list may be closed while deletions wait. */
const known = new WeakMap<App, PendingDeletes>();

export function useDeletes(): PendingDeletes {
  const app = useApp();
  const client = useQueryClient();
  const deletes = known.get(app) ?? createDeletes(app, client);
  known.set(app, deletes);
  return deletes;
}

/** Takes conversations away with a notice to take it back. */
export function useDeleteConversations(): (items: readonly ConversationSummary[]) => void {
  const deletes = useDeletes();
  return (items) => {
    const ids = items.map(({ id }) => id);
    const [only] = items;
    if (only === undefined) return;
    const shown = conversationInAddress();
    const wasShown = shown !== null && ids.includes(shown);
    if (wasShown) showConversation(null, { replace: true });
    const text =
      ids.length === 1 ? `“${only.title}” deleted.` : `${ids.length} conversations deleted.`;
    deletes.schedule(ids, text, () => {
      handFocusTo(`entry:${only.id}`);
      if (wasShown && conversationInAddress() === null) showConversation(shown, { replace: true });
    });
  };
}

function createDeletes(app: App, client: QueryClient): PendingDeletes {
  const deletes = new PendingDeletes({
    send: (ids, options) => deleteConversations(app.api, ids, options),
    onDeleted: (ids) => {
      const shown = conversationInAddress();
      if (shown !== null && ids.includes(shown)) showConversation(null, { replace: true });
      for (const id of ids) {
        app.chat.forget(id);
        client.removeQueries({ queryKey: ["conversation", id] });
      }
    },
    toFailure,
    describe: describeFailure,
  });
  app.session.state.subscribe(() => {
    if (app.session.state.get().status === "guest") deletes.forget();
  });
  return deletes;
}
