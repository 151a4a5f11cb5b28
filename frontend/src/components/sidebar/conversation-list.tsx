"use client";

import { useMemo, useRef } from "react";
import type { ListActions } from "./list-actions";
import { ListEnd } from "./list-end";
import { ListFailure } from "./list-failure";
import { ListSections } from "./list-sections";
import { ListSkeleton } from "./list-skeleton";
import type { ConversationsQuery } from "@/hooks/use-conversations";
import { useToday } from "@/hooks/use-today";
import type { ListView } from "@/lib/conversation-list";
import { groupByDay } from "@/lib/day-groups";

interface ConversationListProps {
  readonly list: ConversationsQuery;
  readonly view: ListView;
  readonly conversation: number | null;
  /** Null outside of selecting. */
  readonly selection: ReadonlySet<number> | null;
  readonly actions: ListActions;
}

export function ConversationList(props: ConversationListProps) {
  const { list, view, conversation, selection, actions } = props;
  const scroller = useRef<HTMLElement>(null);
  const today = useToday();
  const groups = useMemo(
    () => groupByDay(list.data ?? [], (item) => item.updatedAt, today, (item) => item.isPinned),
    [list.data, today],
  );
  return (
    <nav
      ref={scroller}
      aria-label={view === "archived" ? "Archived conversations" : "Conversations"}
      aria-busy={list.isPending}
      data-testid="conversation-list"
      className="min-h-0 flex-1 overflow-y-auto overscroll-contain px-3 pb-4"
    >
      <ListSections
        groups={groups}
        scroller={scroller}
        conversation={conversation}
        selection={selection}
        actions={actions}
      />
      {list.isPending && <ListSkeleton />}
      {list.data?.length === 0 && !list.hasMore && <EmptyList view={view} />}
      {list.error && <ListFailure error={list.error} onRetry={() => void list.refetch()} />}
      {list.hasMore && <ListEnd list={list} scroller={scroller} />}
    </nav>
  );
}

function EmptyList({ view }: { view: ListView }) {
  const [title, text] =
    view === "archived"
      ? ["Nothing is archived", "What you archive leaves the list and is kept here."]
      : ["No conversations yet", "What you write is kept here, newest first."];
  return (
    <div className="px-2.5 pt-6 text-sm" data-testid="empty-list">
      <p className="font-medium">{title}</p>
      <p className="mt-1 text-ink-soft text-pretty">{text}</p>
    </div>
  );
}
