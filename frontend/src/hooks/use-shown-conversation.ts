"use client";

import { useSyncExternalStore } from "react";

/**
 * Which conversation the address names (`?c=12`). The address is the truth, so back, forward,
 * reload and a copied link all work; the history API is used directly since nothing is fetched.
 */
const NAVIGATED = "eugpt:navigated";

export function conversationInAddress(): number | null {
  return idInAddress("c");
}

/** The message a search result leads to (`?c=12&m=40`). */
export function messageInAddress(): number | null {
  return idInAddress("m");
}

function idInAddress(name: string): number | null {
  const value = new URLSearchParams(location.search).get(name) ?? "";
  return /^[1-9]\d{0,15}$/.test(value) ? Number(value) : null;
}

export function conversationHref(
  conversation: number | null,
  message: number | null = null,
): string {
  if (conversation === null) return "/";
  return `/?c=${conversation}${message === null ? "" : `&m=${message}`}`;
}

export function showConversation(
  conversation: number | null,
  options: { readonly replace?: boolean; readonly message?: number | null } = {},
): void {
  const message = options.message ?? null;
  if (conversation === conversationInAddress() && message === messageInAddress()) return;
  const href = conversationHref(conversation, message);
  if (options.replace) history.replaceState(null, "", href);
  else history.pushState(null, "", href);
  dispatchEvent(new Event(NAVIGATED));
}

export function useShownConversation(): number | null {
  return useSyncExternalStore(subscribe, conversationInAddress, () => null);
}

export function useMessageInAddress(): number | null {
  return useSyncExternalStore(subscribe, messageInAddress, () => null);
}

function subscribe(listener: () => void): () => void {
  addEventListener("popstate", listener);
  addEventListener(NAVIGATED, listener);
  return () => {
    removeEventListener("popstate", listener);
    removeEventListener(NAVIGATED, listener);
  };
}
