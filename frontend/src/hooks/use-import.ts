"use client";

import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { useApp } from "./use-app";
import { CONVERSATIONS } from "./list-refresher";
import { showConversation } from "./use-shown-conversation";
import { ApiError, toFailure } from "@/lib/api/errors";
import { importConversation } from "@/lib/api/transfer";
import { describeFailure } from "@/lib/failure";
import { readConversations, UnfitFile } from "@/lib/import-files";
import type { SessionKeeper } from "@/lib/session";
import { showToast } from "@/lib/toasts";

export interface ImportProblem {
  readonly file: string;
  readonly text: string;
}

export interface ImportState {
  /** "notes.json, 2 of 5" while files are read; null when nothing is going on. */
  readonly progress: string | null;
  readonly problems: readonly ImportProblem[];
  readonly start: (files: readonly File[]) => Promise<void>;
  readonly dismiss: () => void;
}

/** Imports files one after another; a file that fails does not keep the others back. */
export function useImport(): ImportState {
  const { api, session } = useApp();
  const client = useQueryClient();
  const isBusy = useRef(false);
  const [progress, setProgress] = useState<string | null>(null);
  const [problems, setProblems] = useState<readonly ImportProblem[]>([]);

  async function start(files: readonly File[]): Promise<void> {
    if (isBusy.current || files.length === 0) return;
    isBusy.current = true;
    setProblems([]);
    const ids: number[] = [];
    const stay = watchStay(session);
    for (const [index, file] of files.entries()) {
      const place = files.length > 1 ? `, ${index + 1} of ${files.length}` : "";
      setProgress(`${file.name}${place}`);
      try {
        for (const document of await readConversations(file)) {
          stay.signal.throwIfAborted();
          ids.push((await importConversation(api, document, stay.signal)).id);
        }
      } catch (error) {
        if (stay.signal.aborted) break;
        setProblems((before) => [...before, { file: file.name, text: sentenceFor(error) }]);
        if (error instanceof ApiError && isFinal(error)) break;
      }
    }
    stay.end();
    isBusy.current = false;
    setProgress(null);
    if (ids.length > 0 && !stay.signal.aborted) finish(ids);
  }

  function finish(ids: readonly number[]): void {
    void client.invalidateQueries({ queryKey: CONVERSATIONS });
    const [first] = ids;
    const count = new Set(ids).size;
    const open = { label: "Open", run: () => showConversation(first ?? null) };
    showToast({
      text: count === 1 ? "Conversation imported." : `${count} conversations imported.`,
      ...(count === 1 ? { action: open } : {}),
    });
  }

  return { progress, problems, start, dismiss: () => setProblems([]) };
}

/** Aborted once whoever is signed in now no longer is: nothing is imported for somebody else. */
function watchStay({ state }: SessionKeeper): { signal: AbortSignal; end: () => void } {
  const person = state.get().user?.id;
  const gone = new AbortController();
  const end = state.subscribe(() => {
    if (state.get().user?.id !== person) gone.abort();
  });
  return { signal: gone.signal, end };
}

/** The next file would fare no better. */
function isFinal({ status }: ApiError): boolean {
  return status === 0 || status === 401 || status === 403 || status === 429 || status >= 500;
}

function sentenceFor(error: unknown): string {
  if (error instanceof UnfitFile) return error.message;
  const failure = toFailure(error);
  if (failure.code === "rate_limited") {
    const minutes = Math.ceil((failure.retryAfterS ?? 60) / 60);
    return `That were many imports in a short time. Go on in ${minutes} ${minutes === 1 ? "minute" : "minutes"}.`;
  }
  if (error instanceof ApiError && error.status === 413) return "The file is too large.";
  if (failure.code === "invalid") return `The file is damaged. ${failure.detail}`;
  return describeFailure(failure);
}
