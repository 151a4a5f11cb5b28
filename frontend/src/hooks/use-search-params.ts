"use client";

import { useSyncExternalStore } from "react";

const REPLACED = "eugpt:search";

/** The `?…` of the address; null while the page is only what the server wrote. */
export function useSearch(): string | null {
  return useSyncExternalStore<string | null>(
    subscribe,
    () => location.search,
    () => null,
  );
}

/** Goes to another `?…` of this page without fetching anything. */
export function showSearch(search: string): void {
  if (search === location.search) return;
  history.pushState(null, "", location.pathname + search + location.hash);
  dispatchEvent(new Event(REPLACED));
}

function subscribe(listener: () => void): () => void {
  addEventListener("popstate", listener);
  addEventListener(REPLACED, listener);
  return () => {
    removeEventListener("popstate", listener);
    removeEventListener(REPLACED, listener);
  };
}
