"use client";

import { type FormEvent, useState } from "react";
import { Button } from "@/components/ui/button";
import { TextField } from "@/components/ui/text-field";
import { useApp } from "@/hooks/use-app";
import { useCountdown } from "@/hooks/use-countdown";
import { ApiError, toFailure } from "@/lib/api/errors";
import { describeFailure, type Failure } from "@/lib/failure";

export type AuthMode = "login" | "register";

interface Problem {
  readonly failure: Failure;
  readonly fields: Readonly<Record<string, readonly string[]>>;
}

export function AuthForm({ mode }: { mode: AuthMode }) {
  const { session } = useApp();
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const [attempt, setAttempt] = useState(0);

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const credentials = {
      username: String(form.get("username")).trim(),
      password: String(form.get("password")),
    };
    setIsBusy(true);
    setProblem(null);
    try {
      await session[mode](credentials);
    } catch (error) {
      setProblem(problemOf(error));
      setAttempt((count) => count + 1);
      setIsBusy(false);
    }
  }

  const isNew = mode === "register";
  return (
    <form className="mt-8 space-y-4" onSubmit={(event) => void submit(event)}>
      <TextField
        label="Name"
        name="username"
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        required
        autoFocus
        maxLength={150}
        errors={problem?.fields.username}
        data-testid="auth-username"
      />
      <TextField
        label="Password"
        name="password"
        type="password"
        autoComplete={isNew ? "new-password" : "current-password"}
        required
        minLength={isNew ? 8 : undefined}
        {...(isNew ? { hint: "At least 8 characters. A few words are better than one." } : {})}
        errors={problem?.fields.password}
        data-testid="auth-password"
      />
      {problem && <ProblemNote key={attempt} problem={problem} />}
      <Button type="submit" className="w-full" disabled={isBusy} data-testid="auth-submit">
        {isBusy ? "One moment…" : isNew ? "Create account" : "Sign in"}
      </Button>
    </form>
  );
}

function ProblemNote({ problem }: { problem: Problem }) {
  const wait = useCountdown(problem.failure.retryAfterS);
  const isAboutFields = Object.keys(problem.fields).length > 0;
  if (isAboutFields) return null;
  return (
    <p role="alert" className="rounded-xl bg-bark-soft px-4 py-3 text-sm text-bark">
      {describeFailure(problem.failure)}
      {wait > 0 && ` Try again in ${wait} s.`}
    </p>
  );
}

/** The name being taken is about one field, though the API reports it for the whole request. */
function problemOf(error: unknown): Problem {
  const failure = toFailure(error);
  if (failure.code === "username_taken") {
    return { failure, fields: { username: ["This name is taken. Try another one."] } };
  }
  return { failure, fields: error instanceof ApiError ? error.fields : {} };
}
