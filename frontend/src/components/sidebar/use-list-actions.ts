"use client";

import { useEffect, useMemo, useRef, useState } from "react";
import type { ListActions } from "./list-actions";
import type { ListDialog } from "./list-dialogs";
import { useArchiveConversations, useChangeConversations } from "@/hooks/use-change-conversation";
import { useDeleteConversations } from "@/hooks/use-deletes";
import { showConversation } from "@/hooks/use-shown-conversation";

interface Handlers {
  readonly onPicked: () => void;
  readonly onToggle: (conversation: number) => void;
}

export function useListActions(handlers: Handlers) {
  const [dialog, setDialog] = useState<ListDialog | null>(null);
  const change = useChangeConversations();
  const archive = useArchiveConversations();
  const remove = useDeleteConversations();
  const latest: ListActions = {
    pick: (id) => {
      showConversation(id);
      handlers.onPicked();
    },
    toggle: handlers.onToggle,
    change: (item, changes) => {
      change.mutate({ items: [item], changes });
      // It moves to another part of the list, as another element.
      if (changes.isPinned !== undefined) focusMenuOf(item.id);
    },
    archive: (item) => {
      moveFocusFrom(item.id);
      archive([item], !item.isArchived);
    },
    remove: (item) => {
      moveFocusFrom(item.id);
      remove([item]);
    },
    share: (item) => setDialog({ kind: "share", item }),
    exportItem: (item) => setDialog({ kind: "export", items: [item] }),
  };
  return {
    actions: useStable(latest),
    dialog,
    openDialog: setDialog,
    closeDialog: () => {
      setDialog(null);
      const item = dialog?.kind === "share" ? dialog.item : dialog?.items[0];
      if (item) focusMenuOf(item.id);
    },
  };
}

/** The menu that was open has gone; its button is where the person came from. */
function focusMenuOf(conversation: number): void {
  afterFocus(() => {
    const link = document.querySelector(`[data-item-link="${conversation}"]`);
    link?.parentElement?.querySelector("button")?.focus();
  });
}

/** Once dialogs and menus that close have placed the focus. */
function afterFocus(task: () => void): void {
  requestAnimationFrame(() => requestAnimationFrame(task));
}

/** The same object at every render, always calling the newest functions. */
function useStable(latest: ListActions): ListActions {
  const ref = useRef(latest);
  useEffect(() => {
    ref.current = latest;
  });
  return useMemo<ListActions>(
    () => ({
      pick: (id) => ref.current.pick(id),
      toggle: (id) => ref.current.toggle(id),
      change: (item, changes) => ref.current.change(item, changes),
      archive: (item) => ref.current.archive(item),
      remove: (item) => ref.current.remove(item),
      share: (item) => ref.current.share(item),
      exportItem: (item) => ref.current.exportItem(item),
    }),
    [],
  );
}

/** The entry is about to leave the list: its neighbour takes the focus, not the page's beginning. */
function moveFocusFrom(conversation: number): void {
  const links = [...document.querySelectorAll<HTMLElement>("[data-item-link]")];
  const at = links.findIndex((link) => link.dataset.itemLink === String(conversation));
  const next = at < 0 ? undefined : (links[at + 1] ?? links[at - 1]);
  if (next) afterFocus(() => next.focus());
}
