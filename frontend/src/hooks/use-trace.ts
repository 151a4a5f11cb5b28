"use client";

import { queryOptions, useQuery } from "@tanstack/react-query";
import { useApp, useChat } from "./use-app";
import type { ApiClient } from "@/lib/api/client";
import { fetchTrace } from "@/lib/api/trace";
import { detailsOf } from "@/lib/chat/selectors";
import { isSettled, type Message, type Reply, type TokenTrace } from "@/lib/chat/state";

const TRACE = "trace";
const KEPT_MS = 10 * 60_000;

export interface Trace {
  readonly tokens: readonly TokenTrace[];
  /** `missing`: the answer is complete, and nothing was recorded of it. */
  readonly state: "ready" | "loading" | "missing" | "failed";
  readonly retry: () => void;
}

/**
 * The tokens of an answer: those that the stream has told, else those that the server has stored.
 * Nothing is asked for while `isWanted` is false.
 */
export function useTrace(message: Message, isWanted: boolean): Trace {
  const { api } = useApp();
  const reply = useChat((state) => state.replies[message.key]);
  const hasTrace = useChat((state) => detailsOf(state, message)?.hasTrace ?? false);
  const streamed = reply?.tokens ?? [];
  const isLive = reply !== undefined && !isSettled(reply);
  const isStored = message.id !== null && (hasTrace || wasAsked(reply));
  const { data, isError, isLoading, refetch } = useQuery({
    ...traceQuery(api, message),
    enabled: isWanted && isStored && !isLive && streamed.length === 0,
    retry: 1,
  });
  const retry = (): void => void refetch();
  if (streamed.length > 0) return { tokens: streamed, state: "ready", retry };
  if (data) return { tokens: data, state: "ready", retry };
  if (isLive || isLoading) return { tokens: [], state: "loading", retry };
  return { tokens: [], state: isError && hasTrace ? "failed" : "missing", retry };
}

/** The stored tokens of a message; what was recorded never changes. */
export function traceQuery(api: ApiClient, { id }: Message) {
  return queryOptions({
    queryKey: [TRACE, id],
    staleTime: Infinity,
    gcTime: KEPT_MS,
    queryFn: ({ signal }) => (id === null ? [] : fetchTrace(api, id, signal)),
  });
}

/** Whether its tokens were to be recorded. */
function wasAsked(reply: Reply | undefined): boolean {
  return (reply?.params?.logprobs ?? 0) > 0;
}
