import { EyeOff } from "lucide-react";

/** In the place of words that a moderator has hidden. */
export function HiddenNote() {
  return (
    <p
      className="inline-flex items-center gap-2 rounded-xl border border-dashed border-line-strong px-3.5 py-2 text-[0.9375rem] text-ink-soft"
      data-testid="hidden-message"
    >
      <EyeOff className="size-4 shrink-0" aria-hidden="true" />
      Hidden by a moderator
    </p>
  );
}
