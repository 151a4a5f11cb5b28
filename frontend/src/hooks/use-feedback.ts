"use client";

import { useRef } from "react";
import { useApp } from "./use-app";
import { toFailure } from "@/lib/api/errors";
import { setFeedback } from "@/lib/api/feedback";
import type { Feedback, Message } from "@/lib/chat/state";
import { describeFailure } from "@/lib/failure";
import { showToast } from "@/lib/toasts";

/**
 * Says what the person thinks of a stored reply; null takes it back. The page shows it at once, and
 * what the server last took when it refuses. Wishes reach the server in the order they were made.
 */
export function useFeedback(message: Message): (feedback: Feedback | null) => Promise<boolean> {
  const { api, chat } = useApp();
  const taken = useRef<Feedback | null>(null);
  const newest = useRef(0);
  const line = useRef<Promise<unknown>>(Promise.resolve());

  async function send(id: number, feedback: Feedback | null, number: number): Promise<boolean> {
    if (number !== newest.current) return false; // Another wish has come meanwhile.
    try {
      await setFeedback(api, id, feedback);
      taken.current = feedback;
      return true;
    } catch (error) {
      if (number !== newest.current) return false;
      chat.patchMessage(message.key, { feedback: taken.current });
      const text = `That was not saved. ${describeFailure(toFailure(error))}`;
      showToast({ text, isUrgent: true });
      return false;
    }
  }

  return (feedback) => {
    const { id } = message;
    if (id === null) return Promise.resolve(false);
    if (newest.current === 0) taken.current = message.feedback;
    const number = ++newest.current;
    chat.patchMessage(message.key, { feedback });
    const sent = line.current.then(() => send(id, feedback, number));
    line.current = sent;
    return sent;
  };
}
