"use client";

import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { useApp, useSession } from "./use-app";
import { dayOf, type Limit, readQuota } from "@/lib/api/quota";

const QUOTA = ["quota"] as const;
/** While more than this part of the day is left, an old count is good enough. */
const PLENTY = 0.3;
const OLD_MS = 5 * 60_000;

/** How much of the model this person may use, as it is now. */
export function useQuota() {
  const { api } = useApp();
  const { status } = useSession();
  return useQuery({
    queryKey: QUOTA,
    enabled: status !== "restoring",
    queryFn: ({ signal }) => readQuota(api, signal),
    staleTime: 0,
    retry: false,
  });
}

/** What is left of the day, beside a chat; asked again after answers, once it could matter. */
export function useDayLimit(isAnswering: boolean): Limit | null {
  const { api } = useApp();
  const { status } = useSession();
  const { data, dataUpdatedAt, refetch } = useQuery({
    queryKey: QUOTA,
    enabled: status !== "restoring",
    queryFn: ({ signal }) => readQuota(api, signal),
    staleTime: OLD_MS,
    retry: false,
  });
  const day = data ? dayOf(data) : null;
  /** Answers that have ended since the last look. */
  const ended = useRef({ count: 0, since: 0 });
  const wasAnswering = useRef(isAnswering);
  useEffect(() => {
    if (ended.current.since !== dataUpdatedAt) ended.current = { count: 0, since: dataUpdatedAt };
    const hasEnded = wasAnswering.current && !isAnswering;
    wasAnswering.current = isAnswering;
    if (!hasEnded || day === null) return;
    ended.current.count += 1;
    const isOld = Date.now() - dataUpdatedAt > OLD_MS;
    if (isOld || day.remaining - ended.current.count < day.limit * PLENTY) void refetch();
  }, [isAnswering, day, dataUpdatedAt, refetch]);
  return day;
}
