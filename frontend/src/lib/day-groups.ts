/** Headings for a list: what is pinned, then days, newest first, in the reader's own time zone. */

export interface DayGroup<T> {
  readonly label: string;
  readonly items: readonly T[];
}

const DAY_MS = 86_400_000;
const PINNED = "Pinned";

export function groupByDay<T>(
  items: readonly T[],
  timeOf: (item: T) => string,
  now: Date,
  isPinned: (item: T) => boolean = () => false,
): readonly DayGroup<T>[] {
  const groups = new Map<string, T[]>();
  const nameDay = dayNamer(now);
  for (const item of items) {
    const label = isPinned(item) ? PINNED : nameDay(new Date(timeOf(item)));
    const group = groups.get(label);
    if (group) group.push(item);
    else groups.set(label, [item]);
  }
  return [...groups].map(([label, members]) => ({ label, items: members }));
}

/** Formats of dates are dear to make and cheap to use: one each for a whole list. */
function dayNamer(now: Date): (date: Date) => string {
  const today = startOfDay(now);
  const thisYear = new Intl.DateTimeFormat("en", { month: "long" });
  const otherYear = new Intl.DateTimeFormat("en", { month: "long", year: "numeric" });
  return (date) => {
    const days = Math.round((today - startOfDay(date)) / DAY_MS);
    if (days <= 0) return "Today";
    if (days === 1) return "Yesterday";
    if (days <= 7) return "Previous 7 days";
    if (days <= 30) return "Previous 30 days";
    return (date.getFullYear() === now.getFullYear() ? thisYear : otherYear).format(date);
  };
}

/** Rounding above absorbs the hour that a change of clocks adds or takes. */
function startOfDay(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}
