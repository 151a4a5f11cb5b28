"use client";

import { useQueryClient } from "@tanstack/react-query";
import { useApp, useChat } from "./use-app";
import { traceQuery } from "./use-trace";
import { toFailure } from "@/lib/api/errors";
import { detailsOf, isLastMessage, messageText } from "@/lib/chat/selectors";
import { type ChatState, isSettled, type Message } from "@/lib/chat/state";
import { describeFailure } from "@/lib/failure";
import { isSameAsBefore, noteReplay } from "@/lib/replays";
import { showToast } from "@/lib/toasts";

/**
 * Has an answer written once more, just as it was; null where that cannot be. The seed must be
 * known, and with a branch the tokens that it began with.
 */
export function useReplay(message: Message): (() => void) | null {
  const { api, chat } = useApp();
  const queries = useQueryClient();
  const can = useChat((state) => canReplay(state, message));
  if (!can) return null;

  async function replay(): Promise<void> {
    const state = chat.state.get();
    const details = detailsOf(state, message);
    if (details === null || details.seed === null) return;
    const { seed, generation, begunTokens } = details;
    let lastBegun: number | null = null;
    if (begunTokens) {
      const streamed = state.replies[message.key]?.tokens ?? [];
      const isTold = streamed.length > 0;
      const tokens = isTold ? streamed : await queries.fetchQuery(traceQuery(api, message));
      lastBegun = tokens[begunTokens - 1]?.id ?? null;
    }
    noteReplay({ seed, generation, text: messageText(chat.state.get(), message) });
    chat.replay(message.key, lastBegun);
  }

  return () =>
    void replay().catch((error: unknown) =>
      showToast({ text: describeFailure(toFailure(error)), isUrgent: true }),
    );
}

function canReplay(state: ChatState, message: Message): boolean {
  const details = detailsOf(state, message);
  if (details === null || details.seed === null || details.begunTokens === null) return false;
  // What is on this page alone has no versions: writing it again would drop what follows.
  if (message.id === null && !isLastMessage(state, message.key)) return false;
  const isTraced = details.hasTrace || (state.replies[message.key]?.tokens.length ?? 0) > 0;
  return details.begunTokens === 0 || (message.id !== null && isTraced);
}

/** Whether an answer goes on from a bare text: nothing would give it again. */
export function useIsBegunFromText(message: Message): boolean {
  return useChat((state) => detailsOf(state, message)?.begunTokens === null);
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
