/** For the messages above the note: quieter, and still with enough contrast to be read. */
export const OUTSIDE_CLASS = "text-ink-soft saturate-50";

/** Stands between the messages that have fallen out of the model's window and those inside. */
export function OutsideNote() {
  return (
    // No role: it may stand in a feed, which has room for articles alone.
    <div
      data-testid="outside-note"
      className="flex items-center gap-3 pt-1 pb-3 text-center text-xs text-ink-soft before:h-px before:flex-1 before:bg-line-strong after:h-px after:flex-1 after:bg-line-strong"
    >
      The model no longer sees the messages above this line
    </div>
  );
}
