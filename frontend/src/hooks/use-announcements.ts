"use client";

import { useEffect, useState } from "react";
import { useApp } from "./use-app";
import { Announcer } from "@/lib/announcer";
import { transcriptOf } from "@/lib/chat/selectors";
import type { TranscriptKey } from "@/lib/chat/state";

export interface Announcement {
  readonly id: number;
  readonly text: string;
}

/** Enough for a slow voice; what is older has been said. */
const MAX_KEPT = 12;

/** What a screen reader is told about the newest answer of this transcript, newest last. */
export function useAnnouncements(transcript: TranscriptKey): readonly Announcement[] {
  const { chat } = useApp();
  const [announcer] = useState(() => new Announcer());
  const [kept, setKept] = useState<readonly Announcement[]>([]);
  useEffect(() => {
    function listen(): void {
      const state = chat.state.get();
      const key = transcriptOf(state, transcript).messages.at(-1)?.key ?? null;
      const texts = announcer.hear(key, key === null ? undefined : state.replies[key]);
      if (texts.length > 0) setKept((current) => appended(current, texts));
    }
    listen();
    return chat.state.subscribe(listen);
  }, [chat, announcer, transcript]);
  return kept;
}

function appended(current: readonly Announcement[], texts: readonly string[]) {
  const from = (current.at(-1)?.id ?? 0) + 1;
  return [...current, ...texts.map((text, index) => ({ id: from + index, text }))].slice(-MAX_KEPT);
}
