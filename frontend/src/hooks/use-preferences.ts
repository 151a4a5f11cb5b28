"use client";

import { useEffect } from "react";
import { useStore } from "./use-store";
import {
  applyMotion,
  followPreferences,
  loadPreferences,
  type Preferences,
  preferences,
} from "@/lib/preferences";

export function usePreferences(): Preferences {
  return useStore(preferences);
}

/** Keeps the page as this device's preferences say; mounted once. */
export function usePreferencesKeeper(): void {
  useEffect(() => {
    loadPreferences();
    const apply = (): void => applyMotion(preferences.get().motion);
    apply();
    const stopWatching = preferences.subscribe(apply);
    const stopFollowing = followPreferences();
    return () => {
      stopWatching();
      stopFollowing();
    };
  }, []);
}
