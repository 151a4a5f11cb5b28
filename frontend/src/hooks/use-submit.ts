"use client";

import { type RefObject, useEffect, useRef, useState } from "react";
import { useCountdown } from "./use-countdown";
import { ApiError, toFailure } from "@/lib/api/errors";
import { describeFailure, type Failure } from "@/lib/failure";

export type FieldErrors = Readonly<Record<string, readonly string[]>>;

export interface Problem {
  /** Null when only fields are wrong. */
  readonly failure: Failure | null;
  readonly fields: FieldErrors;
}

export interface Submit {
  readonly formRef: RefObject<HTMLFormElement | null>;
  readonly isBusy: boolean;
  readonly problem: Problem | null;
  /** Seconds until it may be tried again. */
  readonly waitS: number;
  /** Runs the action; true when it succeeded. */
  readonly run: (action: () => Promise<void>) => Promise<boolean>;
  /** What was seen to be wrong without asking the server. */
  readonly refuse: (fields: FieldErrors) => void;
}

/** Errors that are about one field, though the API reports them for the whole request. */
type FieldOfCode = Readonly<Record<string, string>>;

/** Sending a form: busy, errors at their fields, the wait; the first wrong field gets the focus. */
export function useSubmit(fieldOfCode: FieldOfCode = {}): Submit {
  const formRef = useRef<HTMLFormElement>(null);
  const [isBusy, setIsBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [attempt, setAttempt] = useState(0);
  const waitS = useCountdown(problem?.failure?.retryAfterS ?? null, attempt);

  useEffect(() => {
    if (problem) formRef.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [problem]);

  function refuse(fields: FieldErrors): void {
    setProblem({ failure: null, fields });
    setAttempt((count) => count + 1);
  }

  async function run(action: () => Promise<void>): Promise<boolean> {
    setIsBusy(true);
    setProblem(null);
    try {
      await action();
      return true;
    } catch (error) {
      setProblem(problemOf(error, fieldOfCode));
      setAttempt((count) => count + 1);
      return false;
    } finally {
      setIsBusy(false);
    }
  }

  return { formRef, isBusy, problem, waitS, run, refuse };
}

function problemOf(error: unknown, fieldOfCode: FieldOfCode): Problem {
  const failure = toFailure(error);
  const field = fieldOfCode[failure.code];
  if (field !== undefined)
    return { failure: null, fields: { [field]: [describeFailure(failure)] } };
  const fields = error instanceof ApiError ? error.fields : {};
  return { failure: Object.keys(fields).length > 0 ? null : failure, fields };
}
