"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useMemo, useRef, useState } from "react";
import { keyOf } from "./list-refresher";
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
  shownItems,
} from "@/lib/conversation-list";

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
