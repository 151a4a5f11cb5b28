"use client";

import { useEffect, useState } from "react";
import { useChat } from "@/hooks/use-app";
import { detailsOf, speedOf, type Speed } from "@/lib/chat/selectors";
import { isSettled, type Message } from "@/lib/chat/state";

/** How often the numbers change while an answer is written; faster ones cannot be read. */
const TICK_MS = 400;

/** Tokens per second and the wait for the first word, live and afterwards. */
export function ReplySpeed({ message }: { readonly message: Message }) {
  const reply = useChat((state) => state.replies[message.key]);
  const stored = useChat((state) => detailsOf(state, message)?.timings ?? null);
  const now = useTick(reply !== undefined && !isSettled(reply));
  const live = reply ? speedOf(reply, now) : null;
  const speed: Speed = {
    ttftMs: live?.ttftMs ?? inMs(stored?.ttftS ?? null),
    tokensPerS: stored?.tokensPerS ?? live?.tokensPerS ?? null,
    isEstimate: stored === null && (live?.isEstimate ?? false),
  };
  if (speed.ttftMs === null && speed.tokensPerS === null) return null;
  return (
    <span className="px-1.5 text-xs text-ink-soft tabular-nums" data-testid="speed">
      {parts(speed).join(" · ")}
    </span>
  );
}

function parts({ tokensPerS, ttftMs, isEstimate }: Speed): readonly string[] {
  const rate = tokensPerS !== null && `${isEstimate ? "≈ " : ""}${Math.round(tokensPerS)} tokens/s`;
  const first = ttftMs !== null && `first word after ${duration(ttftMs)}`;
  return [rate, first].filter((part) => part !== false);
}

function inMs(seconds: number | null): number | null {
  return seconds === null ? null : seconds * 1_000;
}

function duration(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

function useTick(isRunning: boolean): number {
  const [now, setNow] = useState(0);
  useEffect(() => {
    if (!isRunning) return;
    const timer = setInterval(() => setNow(performance.now()), TICK_MS);
    return () => clearInterval(timer);
  }, [isRunning]);
  return now;
}
