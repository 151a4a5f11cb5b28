"use client";

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useApp } from "./use-app";
import {
  createShare,
  listShares,
  revokeAllShares,
  revokeShare,
  type Share,
} from "@/lib/api/shares";

/** The links of a conversation, and making and revoking them. */
export function useShares(conversation: number) {
  const { api } = useApp();
  const client = useQueryClient();
  const queryKey = ["shares", conversation];
  const list = useQuery({
    queryKey,
    queryFn: ({ signal }) => listShares(api, conversation, signal),
    staleTime: 0,
  });
  const set = (change: (shares: readonly Share[]) => readonly Share[]): void => {
    client.setQueryData<readonly Share[]>(queryKey, (shares) => change(shares ?? []));
  };
  const create = useMutation({
    mutationFn: (expiresInDays: number | null) => createShare(api, conversation, expiresInDays),
    onSuccess: (share) => set((shares) => [share, ...shares]),
  });
  const revoke = useMutation({
    mutationFn: (slug: string) => revokeShare(api, conversation, slug),
    onSuccess: (_nothing, slug) => set((all) => all.filter((share) => share.slug !== slug)),
    // It may have been revoked elsewhere, or have expired: the list says so.
    onError: () => client.invalidateQueries({ queryKey }),
  });
  const revokeAll = useMutation({
    mutationFn: () => revokeAllShares(api, conversation),
    onSuccess: () => set(() => []),
  });
  return { list, create, revoke, revokeAll };
}
