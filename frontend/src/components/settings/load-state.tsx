"use client";

import type { ReactNode } from "react";
import { ProblemNote } from "@/components/auth/problem-note";
import { Button } from "@/components/ui/button";
import { Skeleton } from "@/components/ui/skeleton";
import { useCountdown } from "@/hooks/use-countdown";
import { toFailure } from "@/lib/api/errors";

interface LoadStateProps<T> {
  readonly query: {
    readonly data: T | undefined;
    readonly error: Error | null;
    readonly errorUpdateCount: number;
    readonly refetch: () => unknown;
  };
  readonly children: (data: T) => ReactNode;
}

/** A list that is being fetched, could not be, or is there; what was there once stays. */
export function LoadState<T>({ query, children }: LoadStateProps<T>) {
  const { data, error, errorUpdateCount, refetch } = query;
  const failure = error && toFailure(error);
  const waitS = useCountdown(failure?.retryAfterS ?? null, errorUpdateCount);
  if (data !== undefined) return children(data);
  if (!failure) {
    return (
      <div aria-busy="true" role="status" className="space-y-4 py-1">
        <span className="sr-only">Loading…</span>
        <Skeleton className="w-2/5" />
        <Skeleton className="w-3/5" />
        <Skeleton className="w-2/5" />
      </div>
    );
  }
  return (
    <div className="space-y-3">
      <ProblemNote failure={failure} waitS={waitS} />
      <Button variant="outline" size="small" disabled={waitS > 0} onClick={() => refetch()}>
        Try again
      </Button>
    </div>
  );
}
