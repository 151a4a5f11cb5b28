"use client";

import { showSearch, useSearch } from "./use-search-params";

/** The parts of the settings page, as its address names them: `/settings/?tab=keys`. */
export const SETTINGS_TABS = [
  "profile",
  "password",
  "sessions",
  "keys",
  "usage",
  "answers",
  "look",
  "data",
] as const;
export type SettingsTab = (typeof SETTINGS_TABS)[number];

export interface SettingsAddress {
  /** Null where none is named: the list on a phone, the first part elsewhere. */
  readonly tab: SettingsTab | null;
  /** The conversation that one came from and goes back to. */
  readonly conversation: string | null;
}

/** The address of a part; it remembers the conversation that is shown now. */
export function settingsHref(tab: SettingsTab | null = null): string {
  const now = typeof location === "undefined" ? "" : location.search;
  const conversation = new URLSearchParams(now).get("c");
  const search = new URLSearchParams({
    ...(tab && { tab }),
    ...(conversation && { c: conversation }),
  });
  return search.size > 0 ? `/settings/?${search}` : "/settings/";
}

/** Null until the browser has told the address. */
export function useSettingsAddress(): SettingsAddress | null {
  const search = useSearch();
  if (search === null) return null;
  const params = new URLSearchParams(search);
  const conversation = params.get("c") ?? "";
  return {
    tab: SETTINGS_TABS.find((tab) => tab === params.get("tab")) ?? null,
    conversation: /^[1-9]\d{0,15}$/.test(conversation) ? conversation : null,
  };
}

export function showSettingsTab(tab: SettingsTab | null): void {
  showSearch(new URL(settingsHref(tab), location.origin).search);
}
