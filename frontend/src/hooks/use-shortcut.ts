"use client";

import { useEffect, useRef } from "react";
import { registerShortcut, type ShortcutAction, type ShortcutHandler } from "@/lib/shortcuts";

/** Answers a shortcut while the component is on the page; false from the handler lets the key through. */
export function useShortcut(action: ShortcutAction, handler: ShortcutHandler): void {
  const latest = useRef(handler);
  useEffect(() => {
    latest.current = handler;
  });
  useEffect(() => registerShortcut(action, () => latest.current()), [action]);
}
