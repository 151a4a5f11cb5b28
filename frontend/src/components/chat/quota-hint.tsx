"use client";

import Link from "next/link";
import { useChat } from "@/hooks/use-app";
import { useDayLimit } from "@/hooks/use-quota";
import { settingsHref } from "@/hooks/use-settings-address";
import { isLow } from "@/lib/api/quota";
import { liveReplyKey } from "@/lib/chat/selectors";
import type { TranscriptKey } from "@/lib/chat/state";

/** Says in time that the day's messages run out; nothing before. */
export function QuotaHint({ transcriptKey }: { transcriptKey: TranscriptKey }) {
  const isAnswering = useChat((state) => liveReplyKey(state, transcriptKey) !== null);
  const day = useDayLimit(isAnswering);
  if (day === null || !isLow(day)) return null;
  return (
    <Link
      href={settingsHref("usage")}
      className="inline-flex min-h-6 items-center rounded-lg px-1.5 text-xs whitespace-nowrap text-ink-soft underline underline-offset-4 hover:text-ink motion-safe:animate-appear pointer-coarse:min-h-11"
      data-testid="quota-hint"
    >
      {/* Short: it stands beside the meter, also on phones. */}
      {day.remaining === 0 ? "None" : day.remaining} left today
      <span className="sr-only">&nbsp;(messages)</span>
    </Link>
  );
}
