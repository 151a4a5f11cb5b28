/** Moments as people say them, in the reader's own time zone. */

const STEPS = [
  { unit: "day", seconds: 86_400 },
  { unit: "hour", seconds: 3_600 },
  { unit: "minute", seconds: 60 },
] as const;

const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** "just now", "5 minutes ago", "yesterday", and the date after a month. */
export function timeAgo(moment: string, now = new Date()): string {
  const seconds = (now.getTime() - new Date(moment).getTime()) / 1000;
  if (seconds < 60) return "just now";
  if (seconds > 30 * 86_400) return dateWords(moment);
  const step = STEPS.find((one) => seconds >= one.seconds) ?? STEPS[2];
  return words.format(-Math.floor(seconds / step.seconds), step.unit);
}

/** "22 Nov 2026". */
export function dateWords(moment: string): string {
  return new Date(moment).toLocaleDateString("en-GB", {
    day: "numeric",
    month: "short",
    year: "numeric",
  });
}
