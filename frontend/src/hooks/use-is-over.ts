"use client";

import { useSyncExternalStore } from "react";

const LOOK_EVERY_MS = 1_000;

/** Whether this moment has come; never for null. */
export function useIsOver(moment: string | null): boolean {
  return useSyncExternalStore(
    subscribe,
    () => moment !== null && new Date(moment).getTime() <= Date.now(),
    () => false,
  );
}

function subscribe(look: () => void): () => void {
  const timer = setInterval(look, LOOK_EVERY_MS);
  return () => clearInterval(timer);
}
