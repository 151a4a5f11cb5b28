"use client";

import { useEffect } from "react";
import { useApp, useChat } from "./use-app";
import { liveReplyKey } from "@/lib/chat/selectors";
import { conversationKey } from "@/lib/chat/state";

/** Loads the shown conversation, and again when another tab changed it. */
export function useOpenConversation(conversation: number | null): void {
  const { chat } = useApp();
  const key = conversation === null ? null : conversationKey(conversation);
  const isStale = useChat((state) => (key ? (state.transcripts[key]?.isStale ?? false) : false));
  const isLive = useChat((state) => key !== null && liveReplyKey(state, key) !== null);
  // The end of a live answer brings its own text; reading in the middle of it gains nothing.
  const isDue = isStale && !isLive;
  useEffect(() => {
    if (conversation !== null) void chat.open(conversation);
  }, [chat, conversation, isDue]);
}
