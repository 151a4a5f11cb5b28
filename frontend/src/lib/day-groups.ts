/** Headings for a list: what is pinned, then days, newest first, in the reader's own time zone. */

export interface DayGroup<T> {
  readonly label: string;
  readonly items: readonly T[];
}

const DAY_MS = 86_400_000;

export function groupByDay<T>(
  items: readonly T[],
  timeOf: (item: T) => string,
  now: Date,
  isPinned: (item: T) => boolean = () => false,
): readonly DayGroup<T>[] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const label = isPinned(item) ? "Pinned" : dayLabel(new Date(timeOf(item)), now);
    groups.set(label, [...(groups.get(label) ?? []), item]);
  }
  return [...groups].map(([label, members]) => ({ label, items: members }));
}

function dayLabel(date: Date, now: Date): string {
  const days = Math.round((startOfDay(now) - startOfDay(date)) / DAY_MS);
  if (days <= 0) return "Today";
  if (days === 1) return "Yesterday";
  if (days < 7) return date.toLocaleDateString("en", { weekday: "long" });
  if (days < 30) return "Last 30 days";
  return date.toLocaleDateString("en", { month: "long", year: "numeric" });
}

/** Rounding above absorbs the hour that a change of clocks adds or takes. */
function startOfDay(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}
