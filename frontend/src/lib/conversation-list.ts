/**
 * The list of conversations as far as it was scrolled: what one more page, a look at its front and
 * a change make of it. Pure, so that every tab's hints and this page's own changes meet in one place.
 */
import type { ConversationPage, ConversationSummary } from "./api/conversations";

export type ListView = "active" | "archived";

/** The server's limit for one page. */
export const PAGE_MAX = 100;
const PAGE = 30;

export function firstPage(view: ListView, limit: number = PAGE): string {
  return `/api/conversations?limit=${limit}${view === "archived" ? "&archived=true" : ""}`;
}

/** The next page below what is there. */
export function appendPage(list: ConversationPage, page: ConversationPage): ConversationPage {
  return { items: uniqueById([...list.items, ...page.items]), next: page.next };
}

/**
 * A fresh first page before what is known below it. Entries that should stand in the fresh part and
 * do not have gone; those that were pushed out of it stay.
 */
export function replaceFront(
  list: ConversationPage | undefined,
  front: ConversationPage,
): ConversationPage {
  const last = front.items.at(-1);
  if (list === undefined || last === undefined || front.next === null) return front;
  const tail = list.items.filter((item) => compareItems(last, item) < 0);
  if (tail.length === 0) return front;
  return { items: uniqueById([...front.items, ...tail]), next: list.next };
}

export function changeItems(
  list: ConversationPage,
  change: (item: ConversationSummary) => ConversationSummary,
): ConversationPage {
  return { ...list, items: list.items.map(change) };
}

/** With these in it, for what moves from one view to the other. */
export function putItems(
  list: ConversationPage,
  items: readonly ConversationSummary[],
): ConversationPage {
  return { ...list, items: uniqueById([...list.items, ...items]) };
}

/** What a view shows, in the server's order, also where a change of this page is not there yet. */
export function shownItems(
  list: ConversationPage,
  view: ListView,
  hidden: ReadonlySet<number>,
): readonly ConversationSummary[] {
  const isArchived = view === "archived";
  return list.items
    .filter((item) => item.isArchived === isArchived && !hidden.has(item.id))
    .sort(compareItems);
}

/** Pinned ones first, then the last changed. The server's times compare as text. */
function compareItems(a: ConversationSummary, b: ConversationSummary): number {
  if (a.isPinned !== b.isPinned) return a.isPinned ? -1 : 1;
  if (a.updatedAt !== b.updatedAt) return a.updatedAt < b.updatedAt ? 1 : -1;
  return b.id - a.id;
}

function uniqueById(items: readonly ConversationSummary[]): readonly ConversationSummary[] {
  const seen = new Set<number>();
  return items.filter(({ id }) => !seen.has(id) && seen.add(id));
}
