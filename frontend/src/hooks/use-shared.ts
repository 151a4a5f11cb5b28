"use client";

import { useQuery } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { useApp } from "./use-app";
import { readShared } from "@/lib/api/shares";

/** The slug in the page's address (`/shared/?s=…`): null without one, undefined before the browser. */
export function useSlugInAddress(): string | null | undefined {
  return useSyncExternalStore(subscribe, slugInAddress, () => undefined);
}

export function useShared(slug: string | null | undefined) {
  const { api } = useApp();
  return useQuery({
    queryKey: ["shared", slug],
    enabled: typeof slug === "string",
    queryFn: ({ signal }) => readShared(api, slug ?? "", signal),
    // A copy never changes; that it was revoked meanwhile is told at the next visit.
    staleTime: Infinity,
  });
}

const SLUG = /^[\w-]{1,32}$/;

function slugInAddress(): string | null {
  const slug = new URLSearchParams(location.search).get("s") ?? "";
  return SLUG.test(slug) ? slug : null;
}

function subscribe(listener: () => void): () => void {
  addEventListener("popstate", listener);
  return () => removeEventListener("popstate", listener);
}
