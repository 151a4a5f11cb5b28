"use client";

import { Hourglass, RotateCw } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { useApp, useSession } from "@/hooks/use-app";
import { useIsOver } from "@/hooks/use-is-over";
import { clockTime } from "@/lib/dates";
import { describeWait, type Failure } from "@/lib/failure";
import { optionalInteger } from "@/lib/parse";

interface QuotaSpentProps {
  readonly replyKey: string;
  readonly failure: Failure;
}

/** The day's messages are used up: when there are more, and for guests how to get more. */
export function QuotaSpent({ replyKey, failure }: QuotaSpentProps) {
  const { chat } = useApp();
  const isGuest = useSession().status === "guest";
  const waitS = Math.ceil(failure.retryAfterS ?? 0);
  const [backAt] = useState(() => new Date(Date.now() + waitS * 1000).toISOString());
  const isOver = useIsOver(backAt);
  const limit = optionalInteger(failure.data ?? {}, "limit");
  return (
    <section
      aria-label="Messages a day"
      data-testid="quota-spent"
      className="mt-2 flex gap-3.5 rounded-2xl border bg-raised p-4 text-[0.9375rem] sm:p-5"
    >
      <Hourglass className="mt-0.5 size-5 shrink-0 text-leaf" aria-hidden="true" />
      <div className="min-w-0 flex-1">
        <p className="font-medium">{isOver ? "It goes on" : "That was all for today"}</p>
        <p className="mt-1 text-ink-soft text-pretty">
          {isOver
            ? "You have messages again."
            : `${usedWords(limit)} It goes on ${clockTime(backAt)}, in ${describeWait(waitS)}.`}
        </p>
        {isGuest && !isOver && (
          <p className="mt-1 text-ink-soft">With an account you may ask more, at once.</p>
        )}
        <div className="mt-3.5 flex flex-wrap gap-2 empty:hidden">
          {isGuest && !isOver && (
            <Button asChild size="small" className="pointer-coarse:h-11">
              <Link href="/register/" data-testid="quota-sign-up">
                Sign up for more
              </Link>
            </Button>
          )}
          {isOver && (
            <Button
              variant="outline"
              size="small"
              className="pointer-coarse:h-11"
              onClick={() => chat.retry(replyKey)}
              data-testid="retry"
            >
              <RotateCw className="size-4" />
              Try again
            </Button>
          )}
        </div>
      </div>
    </section>
  );
}

function usedWords(limit: number | null): string {
  return limit === null ? "Your messages are used up." : `You have used all ${limit} messages.`;
}
