"use client";

import { useRef, useState } from "react";
import { useApp, useSession } from "./use-app";
import { useSampling } from "./use-sampling";
import { saveSampling } from "@/lib/api/account";
import { toFailure } from "@/lib/api/errors";
import type { SamplingParams } from "@/lib/chat/params";
import { describeFailure, type Failure } from "@/lib/failure";
import { setGuestSampling } from "@/lib/sampling";
import { showToast } from "@/lib/toasts";

export interface SamplingChoice {
  /** What the sliders show: the choice, saved or not yet. */
  readonly shown: SamplingParams;
  readonly status: "idle" | "saving" | "saved" | "failed";
  readonly failure: Failure | null;
  /** Counts the choices: a new one, a new wait. */
  readonly attempt: number;
  /** While a slider moves. */
  readonly show: (sampling: SamplingParams) => void;
  /** When it is let go: saved; if the server refuses, what was before comes back. */
  readonly save: (sampling: SamplingParams) => Promise<void>;
}

/** Changing them. */
export function useSamplingChoice(): SamplingChoice {
  const { api, session } = useApp();
  const { user } = useSession();
  const saved = useSampling();
  const [moved, setMoved] = useState<SamplingParams | null>(null);
  const [status, setStatus] = useState<SamplingChoice["status"]>("idle");
  const [failure, setFailure] = useState<Failure | null>(null);
  const [attempt, setAttempt] = useState(0);
  const newest = useRef(0);
  const line = useRef<Promise<unknown>>(Promise.resolve());

  async function save(sampling: SamplingParams): Promise<void> {
    newest.current += 1;
    const own = newest.current;
    setMoved(sampling);
    setFailure(null);
    if (user === null) {
      setGuestSampling(sampling);
      setMoved(null);
      return setStatus("saved");
    }
    setStatus("saving");
    // One after the other, so that the last one is what stays; those overtaken are left out.
    const turn = line.current.then(() =>
      own === newest.current ? saveSampling(api, sampling) : null,
    );
    line.current = turn.catch(() => undefined);
    try {
      const changed = await turn;
      if (changed) session.replaceUser(changed);
      if (own !== newest.current) return;
      setStatus("saved");
    } catch (error) {
      if (own !== newest.current) return;
      const why = toFailure(error);
      setFailure(why);
      setAttempt(own);
      // The slider jumps back under the finger: the reason must not be out of sight.
      showToast({ text: `Not saved. ${describeFailure(why)}`, isUrgent: true });
      setStatus("failed");
    }
    setMoved(null);
  }

  return { shown: moved ?? saved, status, failure, attempt, show: setMoved, save };
}
