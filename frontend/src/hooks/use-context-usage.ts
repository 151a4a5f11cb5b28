"use client";

import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useApp, useChat } from "./use-app";
import { useDebounced } from "./use-debounced";
import { type ContextUsage, storedContext, unstoredContext } from "@/lib/api/context";
import { liveReplyKey, transcriptOf } from "@/lib/chat/selectors";
import { conversationOf, type Message, type TranscriptKey } from "@/lib/chat/state";
import { lastOutside, messagesDownTo, storedQuestion, unstoredQuestion } from "@/lib/chat/window";

const CONTEXT = "context";
/** Long enough not to ask for every letter. */
const DEBOUNCE_MS = 300;

export interface ContextWindow {
  /** The last that was counted; null until then, and where there is nothing to count. */
  readonly usage: ContextUsage | null;
  /** Whether `usage` counts the draft as it is now. */
  readonly isCurrent: boolean;
  /** The messages on the page that the model no longer sees, oldest first. */
  readonly fallenOut: readonly Message[];
  /** Their keys. */
  readonly outside: ReadonlySet<string>;
  /** The first message that it still sees, where there is one and some above it are outside. */
  readonly firstInside: string | null;
}

interface Told {
  readonly usage: ContextUsage;
  /** The last message outside. */
  readonly last: string | null;
}

/**
 * What the model would see if the draft were sent now. Asked when the typing pauses and when an
 * answer is complete; meanwhile the last value stays. Several callers with the same arguments share
 * one request.
 */
export function useContextUsage(
  transcript: TranscriptKey,
  draft: string,
  maxTokens: number | null = null,
): ContextWindow {
  const { api, chat } = useApp();
  const messages = useChat((state) => transcriptOf(state, transcript).messages);
  const isLive = useChat((state) => liveReplyKey(state, transcript) !== null);
  const isLoading = useChat((state) => transcriptOf(state, transcript).load === "loading");
  const text = draft.trim();
  const settled = useDebounced(text, DEBOUNCE_MS);
  const conversation = conversationOf(transcript);
  const hasWords = messages.length > 0 || settled !== "";
  const { data, isPlaceholderData } = useQuery<Told>({
    queryKey: [CONTEXT, transcript, settled, maxTokens, shape(messages)],
    enabled: hasWords && !isLive && !isLoading,
    retry: false,
    gcTime: 0,
    placeholderData: (last, query) => (query?.queryKey[1] === transcript ? last : undefined),
    queryFn: async ({ signal }): Promise<Told> => {
      const state = chat.state.get();
      const wanted = { text: settled, maxTokens };
      if (conversation !== null) {
        const { messages } = transcriptOf(state, transcript);
        const { keys } = storedQuestion(messages);
        const usage = await storedContext(api, conversation, wanted, signal);
        return { usage, last: lastOutside(messages, usage, keys) };
      }
      const { history, keys } = unstoredQuestion(state, transcript);
      const usage = await unstoredContext(api, history, wanted, signal);
      return { usage, last: lastOutside(transcriptOf(state, transcript).messages, usage, keys) };
    },
  });
  const last = useLastTold(transcript, data);
  const fallenOut = useMemo(() => messagesDownTo(messages, last), [messages, last]);
  const outside = useMemo(() => new Set(fallenOut.map(({ key }) => key)), [fallenOut]);
  return {
    usage: hasWords ? (data?.usage ?? null) : null,
    isCurrent: !isPlaceholderData && settled === text && !isLive,
    fallenOut,
    outside,
    firstInside: (fallenOut.length > 0 && messages[fallenOut.length]?.key) || null,
  };
}

/** While a draft does not fit nothing is told of the messages: what was told before still holds. */
function useLastTold(transcript: TranscriptKey, data: Told | undefined): string | null {
  const [told, setTold] = useState({ transcript, last: null as string | null });
  const isTold = data !== undefined && data.usage.draft.fits;
  const last = isTold ? data.last : told.transcript === transcript ? told.last : null;
  if (told.transcript !== transcript || told.last !== last) setTold({ transcript, last });
  return last;
}

/** Changes with what would be counted. */
function shape(messages: readonly Message[]): string {
  return messages.map(({ id, key }) => id ?? key).join(" ");
}
