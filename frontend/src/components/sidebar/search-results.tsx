"use client";

import { Archive } from "lucide-react";
import { type MouseEvent, type ReactNode, useId } from "react";
import { ListFailure } from "./list-failure";
import { ListSkeleton } from "./list-skeleton";
import type { SearchBox } from "./use-search-box";
import { Button } from "@/components/ui/button";
import { Checkbox } from "@/components/ui/checkbox";
import { conversationHref } from "@/hooks/use-shown-conversation";
import type { FoundConversation, Segment } from "@/lib/api/search";
import { cn } from "@/lib/cn";

interface SearchResultsProps {
  readonly box: SearchBox;
  readonly conversation: number | null;
}

export function SearchResults({ box, conversation }: SearchResultsProps) {
  const { found, listId } = box;
  const items = found.items ?? [];
  const isFirst = found.items === undefined && found.error === null;
  return (
    <div className="min-h-0 flex-1 overflow-y-auto overscroll-contain px-3 pb-4">
      <WithArchived box={box} />
      <p role="status" className="sr-only">
        {found.isBehind ? "" : `${countOf(items.length, found.hasNextPage)} found`}
      </p>
      {isFirst && <ListSkeleton />}
      <div
        id={listId}
        role="listbox"
        aria-label="Conversations found"
        aria-busy={found.isBehind}
        data-testid="search-results"
        className={cn("transition-opacity", found.isBehind && !isFirst && "opacity-60")}
      >
        {items.map((item) => (
          <FoundGroup key={item.id} item={item} box={box} isShown={item.id === conversation} />
        ))}
      </div>
      {found.items?.length === 0 && !found.isBehind && <NothingFound box={box} />}
      {found.error && <ListFailure error={found.error} onRetry={() => void found.refetch()} />}
      {found.hasNextPage && !found.error && (
        <Button
          variant="ghost"
          size="small"
          className="mt-3 w-full"
          aria-disabled={found.isFetchingNextPage}
          onClick={() => void found.fetchNextPage()}
        >
          {found.isFetchingNextPage ? "Loading…" : "Show more"}
        </Button>
      )}
    </div>
  );
}

function WithArchived({ box }: { box: SearchBox }) {
  const id = useId();
  return (
    <div className="flex items-center gap-2 px-1.5 pt-3 pb-2 text-sm text-ink-soft">
      <Checkbox
        id={id}
        checked={box.isWithArchived}
        onCheckedChange={(checked) => box.setWithArchived(checked === true)}
        data-testid="with-archived"
      />
      <label htmlFor={id} className="cursor-pointer">
        Also archived
      </label>
    </div>
  );
}

interface FoundGroupProps {
  readonly item: FoundConversation;
  readonly box: SearchBox;
  readonly isShown: boolean;
}

function FoundGroup({ item, box, isShown }: FoundGroupProps) {
  return (
    <div role="group" aria-label={item.title} className="mb-2" data-testid="search-result">
      <Option box={box} conversation={item.id} message={null} isShown={isShown}>
        <span className="flex items-center gap-2 text-sm font-medium">
          <span className="min-w-0 flex-1 truncate">
            <Segments segments={item.titleSegments} />
          </span>
          {item.isArchived && (
            <span className="flex shrink-0 items-center gap-1 text-xs font-normal text-ink-soft">
              <Archive className="size-3.5" aria-hidden="true" />
              Archived
            </span>
          )}
        </span>
      </Option>
      {item.matches.map(({ message, snippet }) => (
        <Option key={message} box={box} conversation={item.id} message={message} isShown={false}>
          <span className="line-clamp-2 border-l-2 border-line-strong pl-2 text-[0.8125rem] text-ink-soft wrap-anywhere">
            <Segments segments={snippet} />
          </span>
        </Option>
      ))}
    </div>
  );
}

interface OptionProps {
  readonly box: SearchBox;
  readonly conversation: number;
  readonly message: number | null;
  readonly isShown: boolean;
  readonly children: ReactNode;
}

function Option({ box, conversation, message, isShown, children }: OptionProps) {
  const id = box.optionId(conversation, message);
  const isActive = id === box.activeId;

  function pick(event: MouseEvent): void {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    box.open({ conversation, message });
  }

  return (
    <a
      id={id}
      role="option"
      aria-selected={isActive}
      // The field keeps the focus; the arrow keys come through here.
      tabIndex={-1}
      href={conversationHref(conversation, message)}
      onClick={pick}
      className={cn(
        "block rounded-xl px-2.5 py-1.5 outline-offset-[-2px] pointer-coarse:py-2.5",
        isActive && "outline-2 outline-leaf",
        isShown || isActive ? "bg-hover" : "hover:bg-hover",
      )}
    >
      {children}
    </a>
  );
}

function Segments({ segments }: { segments: readonly Segment[] }) {
  return segments.map(({ text, isMatch }, index) =>
    isMatch ? (
      <mark key={index} className="rounded-sm bg-leaf/20 font-medium text-ink">
        {text}
      </mark>
    ) : (
      <span key={index}>{text}</span>
    ),
  );
}

function NothingFound({ box }: { box: SearchBox }) {
  return (
    <div className="px-2.5 pt-4 text-sm" data-testid="nothing-found">
      <p className="font-medium wrap-anywhere">Nothing found for “{box.found.text}”</p>
      <p className="mt-1 text-ink-soft text-pretty">
        All words must stand in one title or one message; the beginnings of words are enough.
      </p>
    </div>
  );
}

function countOf(count: number, hasMore: boolean): string {
  if (count === 0) return "Nothing";
  return `${count}${hasMore ? " or more" : ""} ${count === 1 ? "conversation" : "conversations"}`;
}
