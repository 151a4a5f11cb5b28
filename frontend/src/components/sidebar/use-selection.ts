"use client";

import { useMemo, useState } from "react";
import type { SelectionActions } from "./selection-bar";
import { useArchiveConversations, useChangeConversations } from "@/hooks/use-change-conversation";
import { useDeleteConversations } from "@/hooks/use-deletes";
import type { ConversationSummary } from "@/lib/api/conversations";

interface SelectionOptions {
  readonly onExport: (items: readonly ConversationSummary[]) => void;
  readonly onLeave: () => void;
}

/** Several conversations chosen at once; `ids` is null outside of choosing. */
export function useSelection(
  shown: readonly ConversationSummary[] | undefined,
  { onExport, onLeave }: SelectionOptions,
) {
  const [ids, setIds] = useState<ReadonlySet<number> | null>(null);
  const change = useChangeConversations();
  const archive = useArchiveConversations();
  const remove = useDeleteConversations();
  // What left the list meanwhile, by another tab for instance, is not chosen any more.
  const chosen = useMemo(
    () => (ids === null ? [] : (shown ?? []).filter((item) => ids.has(item.id))),
    [ids, shown],
  );

  function leave(): void {
    if (ids === null) return;
    setIds(null);
    onLeave();
  }

  function toggle(id: number): void {
    setIds((before) => {
      const next = new Set(before);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  }

  const actions: SelectionActions = {
    pin: (isPinned) => {
      change.mutate({ items: chosen, changes: { isPinned } });
      leave();
    },
    archive: (isArchived) => {
      archive(chosen, isArchived);
      leave();
    },
    remove: () => {
      remove(chosen);
      leave();
    },
    exportAll: () => onExport(chosen),
    selectAll: (isAll) => setIds(new Set(isAll ? (shown ?? []).map(({ id }) => id) : [])),
    leave,
  };

  return { ids, chosen, toggle, enter: () => setIds(new Set()), leave, actions };
}
