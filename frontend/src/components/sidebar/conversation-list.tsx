"use client";

import { useState } from "react";
import { ConversationItem } from "./conversation-item";
import { Button } from "@/components/ui/button";
import { ConfirmDialog } from "@/components/ui/confirm-dialog";
import { useConversations, useDeleteConversation } from "@/hooks/use-conversations";
import type { ConversationSummary } from "@/lib/api/conversations";
import { toFailure } from "@/lib/api/errors";
import { groupByDay } from "@/lib/day-groups";
import { describeFailure } from "@/lib/failure";

interface ConversationListProps {
  readonly conversation: number | null;
  readonly onPick: () => void;
}

export function ConversationList({ conversation, onPick }: ConversationListProps) {
  const list = useConversations();
  const remove = useDeleteConversation();
  const [doomed, setDoomed] = useState<ConversationSummary | null>(null);
  const items = list.data ?? [];
  const groups = groupByDay(items, (item) => item.updatedAt, new Date(), (item) => item.isPinned);
  return (
    <nav aria-label="Conversations" className="min-h-0 flex-1 overflow-y-auto px-3 pb-4">
      {groups.map((group) => (
        <section key={group.label} className="mt-4">
          <h2 className="px-2.5 pb-1 text-xs font-medium text-ink-soft">{group.label}</h2>
          <ul>
            {group.items.map((item) => (
              <ConversationItem
                key={item.id}
                item={item}
                isShown={item.id === conversation}
                onPick={onPick}
                onDelete={() => setDoomed(item)}
              />
            ))}
          </ul>
        </section>
      ))}
      {list.isPending && <ListSkeleton />}
      {list.data?.length === 0 && (
        <p className="px-2.5 pt-6 text-sm text-ink-soft">
          Your conversations will be listed here, newest first.
        </p>
      )}
      {list.isError && (
        <div role="alert" className="px-2.5 pt-6 text-sm">
          <p className="text-ink-soft">{describeFailure(toFailure(list.error))}</p>
          <Button variant="outline" size="small" className="mt-3" onClick={() => void list.refetch()}>
            Try again
          </Button>
        </div>
      )}
      {list.hasNextPage && (
        <Button
          variant="ghost"
          size="small"
          className="mt-3 w-full"
          disabled={list.isFetchingNextPage}
          onClick={() => void list.fetchNextPage()}
          data-testid="load-more"
        >
          {list.isFetchingNextPage ? "Loading…" : "Show older"}
        </Button>
      )}
      {remove.isError && (
        <p role="alert" className="mt-3 rounded-xl bg-bark-soft px-3 py-2 text-sm text-bark">
          Not deleted. {describeFailure(toFailure(remove.error))}
        </p>
      )}
      <ConfirmDialog
        isOpen={doomed !== null}
        onOpenChange={(isOpen) => !isOpen && setDoomed(null)}
        title="Delete this conversation?"
        text={`“${doomed?.title ?? ""}” and all of its messages will be gone for good.`}
        action="Delete"
        onConfirm={() => doomed && remove.mutate(doomed.id)}
      />
    </nav>
  );
}

function ListSkeleton() {
  return (
    <div aria-hidden="true" className="mt-6 space-y-4 px-2.5 motion-safe:animate-pulse">
      {["w-4/5", "w-3/5", "w-11/12", "w-1/2"].map((width) => (
        <div key={width} className={`h-3.5 rounded-full bg-hover ${width}`} />
      ))}
    </div>
  );
}
