"use client";

import { useAnnouncements } from "@/hooks/use-announcements";
import type { TranscriptKey } from "@/lib/chat/state";

/** Tells screen readers how the newest answer is doing, and reads it sentence by sentence. */
export function LiveAnnouncer({ transcript }: { readonly transcript: TranscriptKey }) {
  const announcements = useAnnouncements(transcript);
  return (
    <div
      role="log"
      aria-label="Newest answer"
      aria-live="polite"
      aria-relevant="additions"
      className="sr-only"
      data-testid="announcer"
    >
      {announcements.map(({ id, text }) => (
        <p key={id}>{text}</p>
      ))}
    </div>
  );
}
