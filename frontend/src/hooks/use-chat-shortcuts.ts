"use client";

import { useApp } from "./use-app";
import { useShortcut } from "./use-shortcut";
import { liveReplyKey, messageText, transcriptOf } from "@/lib/chat/selectors";
import type { Message, TranscriptKey } from "@/lib/chat/state";
import { copyText } from "@/lib/clipboard";
import { showToast } from "@/lib/toasts";

interface ChatShortcuts {
  readonly key: TranscriptKey;
  readonly onNewChat: () => void;
  readonly onFocusMessage: () => void;
  /** False where nothing runs. */
  readonly onStop: () => boolean;
}

/** What the keys do in a chat; those for answers mean the newest one. */
export function useChatShortcuts({ key, onNewChat, onFocusMessage, onStop }: ChatShortcuts): void {
  const { chat } = useApp();

  function newest(): Message | null {
    const messages = transcriptOf(chat.state.get(), key).messages;
    return messages.findLast(({ role }) => role === "assistant") ?? null;
  }

  function isIdle(): boolean {
    return liveReplyKey(chat.state.get(), key) === null;
  }

  async function copy(text: string): Promise<void> {
    const didCopy = await copyText(text);
    showToast({ text: didCopy ? "Answer copied." : "Copying is not possible here." });
  }

  function step(by: -1 | 1): boolean {
    const answer = newest();
    const other = by < 0 ? answer?.siblings?.previous : answer?.siblings?.next;
    if (answer === null || (other ?? null) === null || !isIdle()) return false;
    void chat.showSibling(answer.key, by);
    return true;
  }

  useShortcut("new_chat", onNewChat);
  useShortcut("focus_message", onFocusMessage);
  useShortcut("stop", onStop);
  useShortcut("copy_answer", () => {
    const answer = newest();
    if (answer === null) return false;
    void copy(messageText(chat.state.get(), answer));
  });
  useShortcut("regenerate", () => {
    const answer = newest();
    if (answer === null || !isIdle()) return false;
    chat.regenerate(answer.key);
  });
  useShortcut("previous_version", () => step(-1));
  useShortcut("next_version", () => step(1));
}
