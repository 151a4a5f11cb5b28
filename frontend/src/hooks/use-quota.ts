"use client";

import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { useApp, useSession } from "./use-app";
import { dayOf, type Limit, type Quota, readQuota } from "@/lib/api/quota";

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

/** What is left of the day beside a chat; asked again after answers, where it could matter. */
export function useDayLimit(isAnswering: boolean): { readonly day: Limit | null; readonly quota: Quota | null } {
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
  const wasAnswering = useRef(isAnswering);
  useEffect(() => {
    const hasEnded = wasAnswering.current && !isAnswering;
    wasAnswering.current = isAnswering;
    if (!hasEnded || day === null) return;
    const isOld = Date.now() - dataUpdatedAt > OLD_MS;
    if (isOld || day.remaining < day.limit * PLENTY) void refetch();
  }, [isAnswering, day, dataUpdatedAt, refetch]);
  return { day, quota: data ?? null };
}
