"use client";

import { useSyncExternalStore } from "react";
import type { Store } from "@/lib/store";

export function useStore<T>(store: Store<T>): T {
  return useSyncExternalStore(store.subscribe, store.get, store.get);
}

/** `select` must return the same object while nothing it reads has changed. */
export function useSelected<T, S>(store: Store<T>, select: (value: T) => S): S {
  const read = (): S => select(store.get());
  return useSyncExternalStore(store.subscribe, read, read);
}
