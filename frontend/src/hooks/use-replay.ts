"use client";

import { useApp, useChat } from "./use-app";
import { detailsOf, messageText } from "@/lib/chat/selectors";
import { type ChatState, isSettled, type Message } from "@/lib/chat/state";
import { isSameAsBefore, noteReplay } from "@/lib/replays";

/** Has an answer written once more, just as it was; null where its seed is not known. */
export function useReplay(message: Message): (() => void) | null {
  const { chat } = useApp();
  const canReplay = useChat((state) => {
    const seed = detailsOf(state, message)?.seed ?? null;
    return seed !== null && !hasBegun(state, message);
  });
  if (!canReplay) return null;
  return () => {
    const state = chat.state.get();
    const details = detailsOf(state, message);
    if (details === null || details.seed === null) return;
    const { seed, generation } = details;
    noteReplay({ seed, generation, text: messageText(state, message) });
    chat.replay(message.key);
  };
}

/** Whether an answer began with words of another one: its seed alone does not give it again. */
export function useHasBegun(message: Message): boolean {
  return useChat((state) => hasBegun(state, message));
}

function hasBegun(state: ChatState, message: Message): boolean {
  const asked = state.replies[message.key]?.asked.type;
  const begun = detailsOf(state, message)?.begunTokens ?? 0;
  return asked === "branch" || asked === "continue" || begun > 0;
}

/** Whether a replayed answer says the same again; null where it is none, or not complete. */
export function useReplayVerdict(message: Message): boolean | null {
  return useChat((state) => {
    const reply = state.replies[message.key];
    if (reply !== undefined && !isSettled(reply)) return null;
    const details = detailsOf(state, message);
    if (details === null || details.seed === null || details.status !== "completed") return null;
    const { seed, generation } = details;
    return isSameAsBefore({ seed, generation, text: messageText(state, message) });
  });
}
