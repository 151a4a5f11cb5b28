import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ConversationPage, ConversationSummary } from "@/lib/api/conversations";
import { appendPage, replaceFront, shownItems } from "@/lib/conversation-list";

const NOBODY: ReadonlySet<number> = new Set();

function item(id: number, minute: number, isPinned = false): ConversationSummary {
  const time = `2026-11-23T10:${String(minute).padStart(2, "0")}:00Z`;
  return { id, title: `${id}`, createdAt: time, updatedAt: time, isPinned, isArchived: false };
}

/** What the server would answer: sorted, `size` of them, and where the next ones are. */
function pageOf(all: readonly ConversationSummary[], size: number, from = 0): ConversationPage {
  const sorted = shownItems({ items: all, next: null }, "active", NOBODY);
  const items = sorted.slice(from, from + size);
  return { items, next: from + size < sorted.length ? `/after/${items.at(-1)?.id}` : null };
}

function ids(list: ConversationPage): readonly number[] {
  return shownItems(list, "active", NOBODY).map(({ id }) => id);
}

const rows = fc.uniqueArray(
  fc.record({ id: fc.integer({ min: 1, max: 60 }), minute: fc.integer({ min: 0, max: 59 }), pin: fc.boolean() }),
  { selector: ({ id }) => id, maxLength: 30 },
);

describe("replaceFront", () => {
  it("has no entry twice, none that went from the front, and loses none further down", () => {
    fc.assert(
      fc.property(rows, rows, fc.integer({ min: 1, max: 12 }), (before, after, size) => {
        const make = (from: typeof before) => from.map((row) => item(row.id, row.minute, row.pin));
        const [old, now] = [make(before), make(after)];
        const known = { items: pageOf(old, 30).items, next: null };
        const front = pageOf(now, size);
        const merged = replaceFront(known, front);
        const mergedIds = ids(merged);
        expect(new Set(mergedIds).size).toBe(mergedIds.length);
        expect(mergedIds.slice(0, front.items.length)).toEqual(front.items.map(({ id }) => id));
        const unchanged = old.filter((one) => now.some((other) => isSame(one, other)));
        for (const { id } of unchanged) expect(mergedIds).toContain(id);
      }),
    );
  });

  it("keeps the place of the next page while there is something below", () => {
    const all = Array.from({ length: 9 }, (_, i) => item(i + 1, 50 - i));
    const known = appendPage(pageOf(all, 3), pageOf(all, 3, 3));
    const front = pageOf([item(20, 55), ...all], 3);
    const merged = replaceFront(known, front);
    expect(ids(merged)).toEqual([20, 1, 2, 3, 4, 5, 6]);
    expect(merged.next).toBe(known.next);
  });

  it("is the fresh page alone where that is all there is", () => {
    const known = { items: [item(1, 5), item(2, 4)], next: null };
    expect(ids(replaceFront(known, { items: [item(1, 5)], next: null }))).toEqual([1]);
  });
});

function isSame(a: ConversationSummary, b: ConversationSummary): boolean {
  return a.id === b.id && a.updatedAt === b.updatedAt && a.isPinned === b.isPinned;
}

describe("shownItems", () => {
  it("puts an unpinned one back to its day, and hides what is being deleted", () => {
    const items = [item(1, 10, true), { ...item(2, 5), isArchived: true }, item(3, 20), item(4, 30)];
    const list = { items: items.map((one) => ({ ...one, isPinned: false })), next: null };
    expect(shownItems(list, "active", new Set([4])).map(({ id }) => id)).toEqual([3, 1]);
    expect(shownItems(list, "archived", NOBODY).map(({ id }) => id)).toEqual([2]);
  });
});
