"use client";

import { useEffect, useRef } from "react";
import { useApp } from "./use-app";
import { useMessageInAddress } from "./use-shown-conversation";
import type { Transcript, TranscriptKey } from "@/lib/chat/state";

/** Further up than this many pages, whoever searched scrolls by hand. */
const MAX_PAGES = 20;

/**
 * Shows the message that the address names (`&m=41`, a search's result), once, and reads older
 * pages until it is there. Returns its id.
 */
export function useNamedMessage(
  key: TranscriptKey,
  { messages, hasOlder, isLoadingOlder, olderFailure }: Transcript,
  show: (index: number) => void,
): number | null {
  const { chat } = useApp();
  const named = useMessageInAddress();
  const shown = useRef<number | null>(null);
  const pages = useRef(0);
  const index = named === null ? -1 : messages.findIndex(({ id }) => id === named);
  const isDue = named !== null && index < 0 && hasOlder && !isLoadingOlder && !olderFailure;

  useEffect(() => {
    if (!isDue || pages.current >= MAX_PAGES) return;
    pages.current += 1;
    void chat.loadOlder(key);
  }, [chat, key, isDue]);

  useEffect(() => {
    if (named === shown.current) return;
    if (named !== null && index < 0) return;
    // After the list's own effects, which show its end.
    const frame = requestAnimationFrame(() => {
      shown.current = named;
      pages.current = 0;
      if (index >= 0) show(index);
    });
    return () => cancelAnimationFrame(frame);
  }, [named, index, show]);

  return named;
}
