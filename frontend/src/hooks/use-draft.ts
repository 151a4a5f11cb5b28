"use client";

import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { useChat, useSession } from "./use-app";
import { transcriptOf } from "@/lib/chat/selectors";
import { conversationOf, type TranscriptKey } from "@/lib/chat/state";
import { readDraft, writeDraft } from "@/lib/drafts";

interface Typed {
  readonly key: TranscriptKey;
  readonly user: number | null;
  /** Null until something is typed here: what is stored holds. */
  readonly text: string | null;
  /** The draft that this one was before its chat got an id. */
  readonly movedFrom: TranscriptKey | null;
}

/** What is typed but not sent in this transcript, and what changes it; kept over reloads. */
export function useDraft(key: TranscriptKey): readonly [string, (text: string) => void] {
  const session = useSession();
  const user = session.user?.id ?? null;
  const isRestoring = session.status === "restoring";
  const [typed, setTyped] = useState<Typed>({ key, user, text: null, movedFrom: null });
  const isAdopted = useChat((state) => isDraft(typed.key) && typed.key !== state.draft);
  const isTemporary = useChat((state) => transcriptOf(state, key).isTemporary);
  const isHydrated = useHydrated();

  const isSignedOut = typed.user !== null && typed.user !== user;
  if (typed.key !== key || isSignedOut) {
    // A new chat that became a conversation takes along what was typed in the meantime.
    const goesAlong = isAdopted && !isDraft(key) && !isSignedOut && Boolean(typed.text);
    const next = { key, user, text: null, movedFrom: null };
    setTyped(goesAlong ? { ...next, text: typed.text, movedFrom: typed.key } : next);
  } else if (typed.user !== user) {
    setTyped({ ...typed, user });
  }

  useEffect(() => {
    if (typed.movedFrom === null) return;
    writeDraft(typed.movedFrom, "");
    writeDraft(typed.key, typed.text ?? "");
  }, [typed]);

  const stored = useMemo(
    () => (isHydrated ? readDraft(key) : ""),
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the end of a session wipes what is stored
    [isHydrated, key, user, isRestoring],
  );

  const change = useCallback(
    (text: string): void => {
      setTyped({ key, user, text, movedFrom: null });
      if (!isTemporary) writeDraft(key, text);
    },
    [key, user, isTemporary],
  );

  return [typed.text ?? (isTemporary ? "" : stored), change];
}

/** False in the first render, which must be the page as it was exported: it knows no drafts. */
function useHydrated(): boolean {
  return useSyncExternalStore(
    () => () => undefined,
    () => true,
    () => false,
  );
}

function isDraft(key: TranscriptKey): boolean {
  return conversationOf(key) === null;
}
