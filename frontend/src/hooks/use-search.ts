"use client";

import { type InfiniteData, keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useApp, useSession } from "./use-app";
import { useDebounced } from "./use-debounced";
import { useDeletes } from "./use-deletes";
import { useStore } from "./use-store";
import { type FoundPage, searchConversations } from "@/lib/api/search";

export const SEARCH = ["search"] as const;
export type SearchData = InfiniteData<FoundPage, string | null>;

/** Long enough not to ask for every letter, short enough to feel immediate. */
const DEBOUNCE_MS = 200;

/** Looks for `typed` when the typing pauses; an older request is aborted by a newer one. */
export function useSearch(typed: string, isWithArchived: boolean) {
  const { api } = useApp();
  const { status } = useSession();
  const hidden = useStore(useDeletes().hidden);
  const wanted = typed.trim();
  const text = useDebounced(wanted, DEBOUNCE_MS);
  const query = useInfiniteQuery({
    queryKey: [...SEARCH, text, isWithArchived],
    enabled: status === "member" && text !== "",
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) =>
      searchConversations(api, { text, isWithArchived }, pageParam, signal),
    getNextPageParam: (page) => page.next,
    // What was found before stays until there is something new to show.
    placeholderData: keepPreviousData,
  });
  const items = useMemo(
    () =>
      query.data?.pages.flatMap((page) => page.items).filter((item) => !hidden.has(item.id)),
    [query.data, hidden],
  );
  return { ...query, items, text, isBehind: text !== wanted || query.isPlaceholderData };
}
