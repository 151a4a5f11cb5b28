"use client";

import type { RefObject } from "react";
import { ConversationItem } from "./conversation-item";
import type { ListActions } from "./list-actions";
import { useMediaQuery } from "@/hooks/use-media-query";
import { useWindow } from "@/hooks/use-window";
import type { ConversationSummary } from "@/lib/api/conversations";
import type { DayGroup } from "@/lib/day-groups";

interface ListSectionsProps {
  readonly groups: readonly DayGroup<ConversationSummary>[];
  readonly scroller: RefObject<HTMLElement | null>;
  readonly conversation: number | null;
  readonly selection: ReadonlySet<number> | null;
  readonly actions: ListActions;
}

/** Shorter lists are there as a whole, for the browser's own search for instance. */
const WHOLE_MAX = 200;
/** In rem, as the classes below and in ConversationItem say. */
const HEAD_REM = 2.5;
const ROW_REM = 2.25;
const COARSE_ROW_REM = 2.75;

/**
 * Sections by day. Of a long list only the entries near the eye are there: to mark all of 4,775 took
 * 6 s in the development build, and takes 0.1 s so. A library would make it one flat list; this one
 * keeps its headings.
 */
export function ListSections(props: ListSectionsProps) {
  const { groups, scroller, conversation, selection, actions } = props;
  const isWhole = countOf(groups) <= WHOLE_MAX;
  const { top, bottom } = useWindow(scroller, !isWhole);
  const rowPx = useRowPx();
  const headPx = HEAD_REM * remPx();
  return groups.map(({ label, items }, index) => {
    const above = countOf(groups.slice(0, index));
    const start = (index + 1) * headPx + above * rowPx;
    const first = isWhole ? 0 : clamp(Math.floor((top - start) / rowPx), items.length);
    const end = isWhole ? items.length : clamp(Math.ceil((bottom - start) / rowPx), items.length);
    return (
      <section key={label}>
        <h2 className="flex h-10 items-end px-2.5 pb-1 text-xs font-medium text-ink-soft">{label}</h2>
        <ul style={{ paddingTop: first * rowPx, paddingBottom: (items.length - end) * rowPx }}>
          {items.slice(first, end).map((item, place) => (
            <ConversationItem
              key={item.id}
              item={item}
              place={first + place + 1}
              setSize={items.length}
              isShown={item.id === conversation}
              isSelected={selection && selection.has(item.id)}
              actions={actions}
            />
          ))}
        </ul>
      </section>
    );
  });
}

function countOf(groups: readonly DayGroup<ConversationSummary>[]): number {
  return groups.reduce((sum, { items }) => sum + items.length, 0);
}

function useRowPx(): number {
  const isCoarse = useMediaQuery("(pointer: coarse)");
  return (isCoarse ? COARSE_ROW_REM : ROW_REM) * remPx();
}

/** What people set as their size of text. */
function remPx(): number {
  return parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
}

function clamp(value: number, max: number): number {
  return Math.min(Math.max(value, 0), max);
}
