"use client";

import { useSyncExternalStore } from "react";

/**
 * Which conversation the address names (`?c=12`). The address is the truth, so back, forward,
 * reload and a copied link all work; the history API is used directly since nothing is fetched.
 */
const NAVIGATED = "eugpt:navigated";

export function conversationInAddress(): number | null {
  const value = new URLSearchParams(location.search).get("c") ?? "";
  return /^[1-9]\d{0,15}$/.test(value) ? Number(value) : null;
}

export function conversationHref(conversation: number | null): string {
  return conversation === null ? "/" : `/?c=${conversation}`;
}

export function showConversation(
  conversation: number | null,
  options: { readonly replace?: boolean } = {},
): void {
  if (conversation === conversationInAddress()) return;
  const href = conversationHref(conversation);
  if (options.replace) history.replaceState(null, "", href);
  else history.pushState(null, "", href);
  dispatchEvent(new Event(NAVIGATED));
}

export function useShownConversation(): number | null {
  return useSyncExternalStore(subscribe, conversationInAddress, () => null);
}

function subscribe(listener: () => void): () => void {
  addEventListener("popstate", listener);
  addEventListener(NAVIGATED, listener);
  return () => {
    removeEventListener("popstate", listener);
    removeEventListener(NAVIGATED, listener);
  };
}
