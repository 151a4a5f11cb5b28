"use client";

import { defaultRangeExtractor, type Range, useVirtualizer } from "@tanstack/react-virtual";
import {
  type FocusEvent,
  type ReactNode,
  useCallback,
  useEffect,
  useLayoutEffect,
  useState,
} from "react";
import { Button } from "@/components/ui/button";
import { useApp } from "@/hooks/use-app";
import { useNamedMessage } from "@/hooks/use-named-message";
import { cn } from "@/lib/cn";
import type { Message, Transcript, TranscriptKey } from "@/lib/chat/state";
import { describeFailure } from "@/lib/failure";

/** A guess for what has not been seen yet; measured as soon as it is. */
const ESTIMATE_PX = 110;
/** So many messages beyond the edges are there before they can be seen. */
const OVERSCAN = 6;
/** So near the first message, older ones are asked for. */
const NEAR_START = 12;
const EDGE_PX = 56;

interface LongListProps {
  readonly transcriptKey: TranscriptKey;
  readonly transcript: Transcript;
  readonly scroller: HTMLElement | null;
  readonly renderMessage: (message: Message, place: number) => ReactNode;
}

/**
 * A conversation of which only the part in view is on the page, with the message that has the focus
 * and the newest one. To a screen reader it is a feed: each message says its place among all.
 */
export function LongList({ transcriptKey, transcript, scroller, renderMessage }: LongListProps) {
  const { chat } = useApp();
  const { messages, hasOlder, isLoadingOlder, olderFailure } = transcript;
  const [focused, setFocused] = useState<string | null>(null);
  const last = messages.length - 1;
  // eslint-disable-next-line react-hooks/incompatible-library -- nothing memoized is given its functions
  const virtualizer = useVirtualizer({
    count: messages.length,
    getScrollElement: () => scroller,
    getItemKey: (index) => messages[index]?.key ?? index,
    estimateSize: () => ESTIMATE_PX,
    overscan: OVERSCAN,
    paddingStart: EDGE_PX,
    paddingEnd: 24,
    // Older messages above and corrected guesses leave what is being read where it is.
    anchorTo: "end",
    directDomUpdates: true,
    directDomUpdatesMode: "position",
    rangeExtractor: (range) => withIndexes(range, [messages.findIndex(isFocused), last]),
  });

  function isFocused({ key }: Message): boolean {
    return key === focused;
  }

  const [isPlaced, setIsPlaced] = useState(false);
  useLayoutEffect(() => {
    if (!scroller) return;
    virtualizer.scrollToEnd();
    // Until the end is shown the start is in view, which asks for nothing.
    let frame = requestAnimationFrame(() => {
      frame = requestAnimationFrame(() => setIsPlaced(true));
    });
    return () => cancelAnimationFrame(frame);
  }, [scroller, virtualizer]);

  const show = useCallback(
    (index: number) => virtualizer.scrollToIndex(index, { align: "center" }),
    [virtualizer],
  );
  const named = useNamedMessage(transcriptKey, transcript, show);
  const items = virtualizer.getVirtualItems();
  const isNearStart = (items[0]?.index ?? last) < NEAR_START;
  const isDue = isPlaced && isNearStart && hasOlder && !isLoadingOlder && olderFailure === null;
  useEffect(() => {
    if (isDue) void chat.loadOlder(transcriptKey);
  }, [chat, transcriptKey, isDue]);

  function onFocus(event: FocusEvent): void {
    const item = (event.target as Element).closest<HTMLElement>("[data-key]");
    setFocused(item?.dataset.key ?? null);
  }

  return (
    <div
      role="feed"
      aria-label="Messages"
      aria-busy={isLoadingOlder}
      ref={virtualizer.containerRef}
      onFocus={onFocus}
      onBlur={() => setFocused(null)}
      className="relative w-full shrink-0"
      data-testid="long-list"
    >
      <div className="absolute inset-x-0 top-0 flex h-14 items-center justify-center text-sm text-ink-soft">
        {olderFailure ? (
          <>
            <span>{describeFailure(olderFailure)}</span>
            <Button variant="ghost" size="small" onClick={() => void chat.loadOlder(transcriptKey)}>
              Try again
            </Button>
          </>
        ) : (
          hasOlder && <span>Earlier messages are coming…</span>
        )}
      </div>
      {items.map(({ key, index }) => {
        const message = messages[index];
        return (
          message && (
            <div
              key={key}
              ref={virtualizer.measureElement}
              data-index={index}
              data-key={message.key}
              className={cn(
                "absolute inset-x-0 pb-2",
                message.id !== null && message.id === named && "animate-named",
              )}
            >
              {renderMessage(message, index)}
            </div>
          )
        );
      })}
    </div>
  );
}

function withIndexes(range: Range, others: readonly number[]): number[] {
  const indexes = new Set(defaultRangeExtractor(range));
  for (const index of others) if (index >= 0 && index < range.count) indexes.add(index);
  return [...indexes].sort((a, b) => a - b);
}
