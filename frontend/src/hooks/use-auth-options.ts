"use client";

import { useQuery } from "@tanstack/react-query";
import { useApp } from "./use-app";
import { type AuthOptions, authOptions } from "@/lib/api/email";

/** What this server offers to strangers; null until it is known, and where it cannot be asked. */
export function useAuthOptions(): AuthOptions | null {
  const { api } = useApp();
  const { data } = useQuery({
    queryKey: ["auth-options"],
    queryFn: ({ signal }) => authOptions(api, signal),
    staleTime: Infinity,
  });
  return data ?? null;
}
