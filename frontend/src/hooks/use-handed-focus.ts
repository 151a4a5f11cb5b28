"use client";

import { useCallback } from "react";

/** What takes longer was not meant to move the focus any more. */
const VALID_MS = 5_000;

let wanted: { readonly name: string; readonly until: number } | null = null;

/**
 * An action may replace the very control that was pressed; whoever comes in its place under this
 * name gets the focus, unless the person has moved on.
 */
export function handFocusTo(name: string): void {
  wanted = { name, until: performance.now() + VALID_MS };
}

export function useHandedFocus(name: string): (element: HTMLElement | null) => void {
  return useCallback(
    (element) => {
      if (element === null || wanted?.name !== name) return;
      const isFocusLost = document.activeElement === null || document.activeElement === document.body;
      if (isFocusLost && performance.now() < wanted.until) element.focus({ preventScroll: true });
      wanted = null;
    },
    [name],
  );
}
