"use client";

import { type FormEvent, useId, useState } from "react";
import { NewPasswordField } from "./new-password-field";
import { PasswordField } from "./password-field";
import { ProblemNote } from "./problem-note";
import { Button } from "@/components/ui/button";
import { Checkbox } from "@/components/ui/checkbox";
import { TextField } from "@/components/ui/text-field";
import { useApp } from "@/hooks/use-app";
import { type FieldErrors, useSubmit } from "@/hooks/use-submit";
import { describeWait } from "@/lib/failure";
import { NAME_HINT, NAME_MAX_CHARS, nameProblem } from "@/lib/name-rules";
import { MIN_PASSWORD_CHARS } from "@/lib/password-strength";

export type AuthMode = "login" | "register";

const ABOUT_NAME = { username_taken: "username" };

interface AuthFormProps {
  readonly mode: AuthMode;
  /** The guest has written something that could come along. */
  readonly hasChat?: boolean;
}

export function AuthForm({ mode, hasChat = false }: AuthFormProps) {
  const { session } = useApp();
  const { formRef, isBusy, problem, waitS, run, refuse } = useSubmit(ABOUT_NAME);
  const [username, setUsername] = useState("");
  const [isKept, setIsKept] = useState(true);
  const isNew = mode === "register";

  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const password = String(new FormData(event.currentTarget).get("password"));
    const entry = { username: username.trim(), password, keepChat: hasChat && isKept };
    const wrong = isNew ? wrongForNew(entry) : missing(entry);
    if (Object.keys(wrong).length > 0) refuse(wrong);
    else void run(() => session[mode](entry));
  }

  return (
    <form ref={formRef} className="mt-8 space-y-5" onSubmit={submit} noValidate>
      <TextField
        label="Name"
        name="username"
        autoComplete="username"
        autoCapitalize="none"
        autoCorrect="off"
        spellCheck={false}
        required
        autoFocus
        maxLength={isNew ? NAME_MAX_CHARS : 150}
        value={username}
        onChange={(event) => setUsername(event.target.value)}
        {...(isNew ? { hint: NAME_HINT } : {})}
        errors={problem?.fields.username}
        data-testid="auth-username"
      />
      {isNew ? (
        <NewPasswordField
          label="Password"
          name="password"
          username={username}
          errors={problem?.fields.password}
          testId="auth-password"
        />
      ) : (
        <PasswordField
          label="Password"
          name="password"
          autoComplete="current-password"
          errors={problem?.fields.password}
          data-testid="auth-password"
        />
      )}
      {hasChat && <KeepChat isKept={isKept} onChange={setIsKept} />}
      <ProblemNote failure={problem?.failure} waitS={waitS} />
      <Button
        type="submit"
        className="w-full"
        disabled={isBusy || waitS > 0}
        data-testid="auth-submit"
      >
        {buttonText(isNew, isBusy, waitS)}
      </Button>
    </form>
  );
}

interface KeepChatProps {
  readonly isKept: boolean;
  readonly onChange: (isKept: boolean) => void;
}

function KeepChat({ isKept, onChange }: KeepChatProps) {
  const id = useId();
  return (
    <div className="flex items-start gap-3 rounded-xl border bg-raised p-3.5">
      <Checkbox
        id={id}
        checked={isKept}
        onCheckedChange={(checked) => onChange(checked === true)}
        aria-describedby={`${id}-note`}
        data-testid="keep-chat"
      />
      <div className="min-w-0">
        <label htmlFor={id} className="block font-medium">
          Keep this chat
        </label>
        <p id={`${id}-note`} className="mt-0.5 text-sm text-ink-soft">
          {isKept
            ? "What you began as a guest moves into your account, even if an answer is still coming."
            : "What you began as a guest will be gone."}
        </p>
      </div>
    </div>
  );
}

interface Entry {
  readonly username: string;
  readonly password: string;
}

function missing({ username, password }: Entry): FieldErrors {
  return {
    ...(username === "" ? { username: ["Enter your name."] } : {}),
    ...(password === "" ? { password: ["Enter your password."] } : {}),
  };
}

function wrongForNew({ username, password }: Entry): FieldErrors {
  const name = nameProblem(username);
  const isShort = [...password].length < MIN_PASSWORD_CHARS;
  return {
    ...(name ? { username: [name] } : {}),
    ...(isShort ? { password: [`At least ${MIN_PASSWORD_CHARS} characters, please.`] } : {}),
  };
}

function buttonText(isNew: boolean, isBusy: boolean, waitS: number): string {
  if (isBusy) return "One moment…";
  if (waitS > 0) return `Wait ${describeWait(waitS)}`;
  return isNew ? "Create account" : "Sign in";
}
