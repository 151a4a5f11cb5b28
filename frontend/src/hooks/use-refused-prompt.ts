"use client";

import { useEffect, useEffectEvent } from "react";
import { useChat } from "./use-app";
import type { RefusedPrompt, TranscriptKey } from "@/lib/chat/state";

/**
 * What was sent here last and not taken. Its text goes back into the message field, unless something
 * else was typed there meanwhile.
 */
export function useRefusedPrompt(
  key: TranscriptKey,
  text: string,
  onGiveBack: (text: string) => void,
): RefusedPrompt | null {
  const refused = useChat(({ refusedPrompt }) =>
    refusedPrompt?.transcript === key ? refusedPrompt : null,
  );
  const giveBack = useEffectEvent((prompt: string) => {
    if (text.trim() === "") onGiveBack(prompt);
  });
  useEffect(() => {
    if (refused !== null) giveBack(refused.text);
  }, [refused]);
  return refused;
}
