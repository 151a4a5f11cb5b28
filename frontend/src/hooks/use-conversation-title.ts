"use client";

import { useQuery } from "@tanstack/react-query";
import { useApp, useSession } from "./use-app";
import { useConversations } from "./use-conversations";
import { parseSummary } from "@/lib/api/conversations";

/** The title, also of an archived one, or of one that the list has not been scrolled to. */
export function useConversationTitle(id: number | null): string | null {
  const { api } = useApp();
  const { status } = useSession();
  const { data } = useConversations();
  const listed = data?.find((item) => item.id === id);
  const { data: read } = useQuery({
    queryKey: ["conversation", id, "summary"],
    enabled: status === "member" && id !== null && data !== undefined && listed === undefined,
    queryFn: async ({ signal }) => {
      const { body } = await api.request("GET", `/api/conversations/${id}?limit=1`, { signal });
      return parseSummary(body);
    },
  });
  return listed?.title ?? (read?.id === id ? read?.title : undefined) ?? null;
}
