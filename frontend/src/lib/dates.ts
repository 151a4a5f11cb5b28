/** Dates as people read them, in their own time zone. */

const DAY_MS = 86_400_000;

/** "23 November 2026". */
export function longDate(time: string): string {
  return new Date(time).toLocaleDateString("en-GB", {
    day: "numeric",
    month: "long",
    year: "numeric",
  });
}

/** "23 Nov, 14:05". */
export function shortMoment(time: string): string {
  return new Date(time).toLocaleString("en-GB", {
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
  });
}

/** How long until then: "in 6 days", "in 3 hours", "in less than an hour". */
export function timeUntil(time: string, now: Date = new Date()): string {
  const left = new Date(time).getTime() - now.getTime();
  const hours = Math.floor(left / (DAY_MS / 24));
  if (hours < 1) return "in less than an hour";
  if (hours < 48) return `in ${hours} ${hours === 1 ? "hour" : "hours"}`;
  return `in ${Math.round(left / DAY_MS)} days`;
}

/** "at 14:05", or with the day where it is another one: "on 24 Nov, 09:10". */
export function clockTime(time: string, now: Date = new Date()): string {
  const moment = new Date(time);
  if (moment.toDateString() !== now.toDateString()) return `on ${shortMoment(time)}`;
  return `at ${moment.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })}`;
}
