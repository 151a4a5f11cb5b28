"use client";

import { type QueryClient, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useMemo, useRef, useState } from "react";
import { useApp, useSession } from "./use-app";
import { useDeletes } from "./use-deletes";
import { useStore } from "./use-store";
import type { ApiClient } from "@/lib/api/client";
import {
  type ConversationPage,
  type ConversationSummary,
  listConversations,
} from "@/lib/api/conversations";
import {
  appendPage,
  firstPage,
  type ListView,
  PAGE_MAX,
  replaceFront,
  shownItems,
} from "@/lib/conversation-list";

export const CONVERSATIONS = ["conversations"] as const;

/** Several hints in a row, of a bulk action for instance, are one look. */
const HINT_DELAY_MS = 250;

export interface ConversationsQuery {
  readonly data: readonly ConversationSummary[] | undefined;
  readonly isPending: boolean;
  readonly error: Error | null;
  readonly refetch: () => Promise<unknown>;
  readonly hasMore: boolean;
  readonly isLoadingMore: boolean;
  readonly moreError: Error | null;
  readonly loadMore: () => Promise<void>;
}

/** The list as far as it was scrolled. Looking again never makes it shorter. */
export function useConversations(view: ListView = "active"): ConversationsQuery {
  const { api } = useApp();
  const { status } = useSession();
  const client = useQueryClient();
  const hidden = useStore(useDeletes().hidden);
  const query = useQuery({
    queryKey: keyOf(view),
    enabled: status === "member",
    queryFn: ({ signal }) => {
      const known = client.getQueryData<ConversationPage>(keyOf(view));
      return loadAsFarAs(api, view, known?.items.length ?? 0, signal);
    },
  });
  const data = useMemo(
    () => query.data && shownItems(query.data, view, hidden),
    [query.data, view, hidden],
  );
  const more = useLoadMore(view);
  const { isPending, error, refetch } = query;
  return {
    data,
    isPending,
    error: query.data === undefined ? error : null,
    refetch,
    hasMore: (query.data?.next ?? null) !== null,
    ...more,
  };
}

interface LoadMore {
  readonly isLoadingMore: boolean;
  readonly moreError: Error | null;
  readonly loadMore: () => Promise<void>;
}

function useLoadMore(view: ListView): LoadMore {
  const { api } = useApp();
  const client = useQueryClient();
  const isBusy = useRef(false);
  const [isLoadingMore, setIsLoadingMore] = useState(false);
  const [moreError, setMoreError] = useState<Error | null>(null);
  const loadMore = useCallback(async () => {
    const next = client.getQueryData<ConversationPage>(keyOf(view))?.next ?? null;
    if (next === null || isBusy.current) return;
    isBusy.current = true;
    setIsLoadingMore(true);
    setMoreError(null);
    try {
      const page = await listConversations(api, next);
      client.setQueryData<ConversationPage>(keyOf(view), (list) => list && appendPage(list, page));
    } catch (error) {
      setMoreError(error instanceof Error ? error : new Error(String(error)));
    } finally {
      isBusy.current = false;
      setIsLoadingMore(false);
    }
  }, [api, client, view]);
  return { isLoadingMore, moreError, loadMore };
}

/**
 * What a hint of the server sets off: one look at the front of the list, where changes are. What
 * lies further down is read again when the person comes back to the page.
 */
export function createListRefresher(client: QueryClient, api: () => ApiClient): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      for (const view of ["active", "archived"] as const) void refreshFront(client, api(), view);
    }, HINT_DELAY_MS);
  };
}

async function refreshFront(client: QueryClient, api: ApiClient, view: ListView): Promise<void> {
  const queryKey = keyOf(view);
  const known = client.getQueryData<ConversationPage>(queryKey);
  const isSmall = known === undefined || known.items.length <= PAGE_MAX;
  const isWatched = client.getQueryCache().find({ queryKey })?.isActive() ?? false;
  if (isSmall || !isWatched) return client.invalidateQueries({ queryKey });
  try {
    const front = await listConversations(api, firstPage(view, PAGE_MAX));
    // Where there is none any more, somebody else may be using the page.
    client.setQueryData<ConversationPage>(queryKey, (list) => list && replaceFront(list, front));
  } catch {
    // The next hint, or coming back to the page, looks again.
  }
}

async function loadAsFarAs(
  api: ApiClient,
  view: ListView,
  count: number,
  signal: AbortSignal,
): Promise<ConversationPage> {
  const limit = Math.min(Math.max(count, 30), PAGE_MAX);
  let list = await listConversations(api, firstPage(view, limit), signal);
  while (list.next !== null && list.items.length < count) {
    list = appendPage(list, await listConversations(api, list.next, signal));
  }
  return list;
}

function keyOf(view: ListView): readonly string[] {
  return [...CONVERSATIONS, view];
}
