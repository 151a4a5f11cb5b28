"use client";

import { QuotaHint } from "./quota-hint";
import { ContextMeter } from "@/components/context/context-meter";
import type { TranscriptKey } from "@/lib/chat/state";

interface FootMetersProps {
  readonly transcriptKey: TranscriptKey;
  readonly draft: string;
  readonly maxTokens: number | null;
}

/** What there is to know below the message field: how full the window is, and the day. */
export function FootMeters(props: FootMetersProps) {
  return (
    <div className="flex items-center gap-x-1">
      <ContextMeter {...props} />
      <QuotaHint transcriptKey={props.transcriptKey} />
    </div>
  );
}
