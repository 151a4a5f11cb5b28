"use client";

import {
  type InfiniteData,
  useInfiniteQuery,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";
import { useApp, useSession } from "./use-app";
import { conversationInAddress, showConversation } from "./use-shown-conversation";
import {
  type ConversationPage,
  type ConversationSummary,
  deleteConversation,
  listConversations,
  renameConversation,
} from "@/lib/api/conversations";

export const CONVERSATIONS = ["conversations"] as const;

type Pages = InfiniteData<ConversationPage, string | null>;

export function useConversations() {
  const { api } = useApp();
  const { status } = useSession();
  return useInfiniteQuery({
    queryKey: CONVERSATIONS,
    enabled: status === "member",
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => listConversations(api, pageParam, signal),
    getNextPageParam: (page) => page.next,
    // A page boundary that moved between two requests would show an entry twice.
    select: (data) => uniqueById(data.pages.flatMap((page) => page.items)),
  });
}

/** The new title shows at once and goes back if the server refuses it. */
export function useRenameConversation() {
  const { api } = useApp();
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, title }: { id: number; title: string }) =>
      renameConversation(api, id, title),
    onMutate: async ({ id, title }) => {
      await client.cancelQueries({ queryKey: CONVERSATIONS });
      const before = client.getQueryData<Pages>(CONVERSATIONS);
      client.setQueryData<Pages>(CONVERSATIONS, (pages) =>
        mapItems(pages, (item) => (item.id === id ? { ...item, title } : item)),
      );
      return { before };
    },
    onError: (_error, _variables, context) => {
      client.setQueryData(CONVERSATIONS, context?.before);
    },
    onSettled: () => client.invalidateQueries({ queryKey: CONVERSATIONS }),
  });
}

export function useDeleteConversation() {
  const { api, chat } = useApp();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: number) => deleteConversation(api, id),
    onSuccess: (_nothing, id) => {
      client.setQueryData<Pages>(CONVERSATIONS, (pages) =>
        mapItems(pages, (item) => (item.id === id ? null : item)),
      );
      if (conversationInAddress() === id) showConversation(null, { replace: true });
      chat.forget(id);
    },
    onSettled: () => client.invalidateQueries({ queryKey: CONVERSATIONS }),
  });
}

function mapItems(
  data: Pages | undefined,
  change: (item: ConversationSummary) => ConversationSummary | null,
): Pages | undefined {
  return (
    data && {
      ...data,
      pages: data.pages.map((page) => ({
        ...page,
        items: page.items.map(change).filter((item) => item !== null),
      })),
    }
  );
}

function uniqueById(items: readonly ConversationSummary[]): readonly ConversationSummary[] {
  return [...new Map(items.map((item) => [item.id, item])).values()];
}
