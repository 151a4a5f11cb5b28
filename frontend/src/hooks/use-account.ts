"use client";

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useApp, useSession } from "./use-app";
import { endSession, listSessions } from "@/lib/api/account";
import { ApiError } from "@/lib/api/errors";
import { listKeys, revokeKey } from "@/lib/api/keys";

const SESSIONS = ["account", "sessions"] as const;
export const KEYS = ["account", "keys"] as const;

/** Where the person is signed in. */
export function useSessions() {
  const { api } = useApp();
  const { status } = useSession();
  return useQuery({
    queryKey: SESSIONS,
    enabled: status === "member",
    queryFn: ({ signal }) => listSessions(api, signal),
    // Somebody looks at it to see what is going on now.
    staleTime: 0,
  });
}

export function useEndSessions() {
  const { api } = useApp();
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (ids: readonly string[]) => {
      for (const id of ids) await unlessGone(endSession(api, id));
    },
    onSettled: () => client.invalidateQueries({ queryKey: SESSIONS }),
  });
}

export function useKeys() {
  const { api } = useApp();
  const { status } = useSession();
  return useQuery({
    queryKey: KEYS,
    enabled: status === "member",
    queryFn: ({ signal }) => listKeys(api, signal),
  });
}

export function useRevokeKey() {
  const { api } = useApp();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: number) => unlessGone(revokeKey(api, id)),
    onSettled: () => client.invalidateQueries({ queryKey: KEYS }),
  });
}

/** Another device was quicker: what should be gone is gone. */
async function unlessGone(deletion: Promise<void>): Promise<void> {
  try {
    await deletion;
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
  }
}
