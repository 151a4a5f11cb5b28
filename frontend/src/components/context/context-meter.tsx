"use client";

import { ContextDetails } from "./context-details";
import { partsOf } from "./parts";
import { Popover, PopoverContent, PopoverTrigger } from "@/components/ui/popover";
import { useContextUsage } from "@/hooks/use-context-usage";
import type { ContextUsage } from "@/lib/api/context";
import type { TranscriptKey } from "@/lib/chat/state";
import { cn } from "@/lib/cn";

interface ContextMeterProps {
  readonly transcriptKey: TranscriptKey;
  readonly draft: string;
  /** The longest reply that is wanted; null leaves it to the server. */
  readonly maxTokens?: number | null;
}

/**
 * How full the model's window would be if the draft were sent now. It takes its place while there
 * is nothing to show, so that nothing jumps when there is.
 */
export function ContextMeter({ transcriptKey, draft, maxTokens = null }: ContextMeterProps) {
  const { usage, fallenOut } = useContextUsage(transcriptKey, draft, maxTokens);
  const isTooLong = usage !== null && !usage.draft.fits;
  return (
    <div
      className="flex min-h-8 items-center px-2 pointer-coarse:min-h-11"
      data-testid="context-meter"
    >
      {/* Said once when it happens, not with every letter. */}
      <p role="status" className="sr-only">
        {isTooLong ? "This message is too long for the model." : ""}
      </p>
      {usage && (
        <Popover>
          <PopoverTrigger
            data-testid="context-open"
            className="flex min-h-8 items-center gap-2.5 rounded-lg px-1.5 text-xs whitespace-nowrap text-ink-soft tabular-nums transition-colors hover:text-ink motion-safe:animate-appear pointer-coarse:min-h-11"
          >
            <Bar usage={usage} hasDraft={draft.trim() !== ""} />
            <span className={cn(isTooLong && "font-medium text-bark")} data-testid="context-label">
              <span className="sr-only">Model’s memory: </span>
              {isTooLong ? tooLong(usage) : `${usage.total} of ${usage.limit} tokens`}
            </span>
          </PopoverTrigger>
          <PopoverContent side="top" align="start" aria-label="The model’s memory">
            <ContextDetails usage={usage} hasDraft={draft.trim() !== ""} fallenOut={fallenOut} />
          </PopoverContent>
        </Popover>
      )}
    </div>
  );
}

function tooLong({ draft }: ContextUsage): string {
  const over = draft.tokens - draft.limit;
  return `${over} ${over === 1 ? "token" : "tokens"} too long`;
}

function Bar({ usage, hasDraft }: { usage: ContextUsage; hasDraft: boolean }) {
  return (
    <span
      aria-hidden="true"
      className="flex h-1.5 w-20 gap-px overflow-hidden rounded-full bg-line sm:w-28"
    >
      {partsOf(usage, hasDraft).map(({ name, tokens, className }) => (
        <span
          key={name}
          data-part={name}
          className={cn("h-full shrink-0 motion-safe:transition-[width]", className)}
          style={{ width: `${Math.min(100, (tokens / usage.limit) * 100)}%` }}
        />
      ))}
    </span>
  );
}
