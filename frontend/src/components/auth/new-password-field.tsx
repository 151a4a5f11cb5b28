"use client";

import { useId, useState } from "react";
import { PasswordField } from "./password-field";
import { cn } from "@/lib/cn";
import {
  MIN_PASSWORD_CHARS,
  passwordStrength,
  type PasswordStrength,
} from "@/lib/password-strength";

interface NewPasswordFieldProps {
  readonly label: string;
  readonly name: string;
  /** What the password should not repeat. */
  readonly username: string;
  readonly errors?: readonly string[] | undefined;
  readonly testId?: string;
}

/** A password being chosen, with a guess at how strong it is. */
export function NewPasswordField({ label, name, username, errors, testId }: NewPasswordFieldProps) {
  const id = useId();
  const [password, setPassword] = useState("");
  const strength = password === "" ? null : passwordStrength(password, username);
  return (
    <div>
      <PasswordField
        label={label}
        name={name}
        autoComplete="new-password"
        minLength={MIN_PASSWORD_CHARS}
        value={password}
        onChange={(event) => setPassword(event.target.value)}
        errors={errors}
        describedBy={id}
        {...(testId ? { "data-testid": testId } : {})}
      />
      <div id={id} className="mt-2 text-sm text-ink-soft">
        {strength ? <Meter strength={strength} /> : <Hint />}
      </div>
    </div>
  );
}

function Hint() {
  return <p>At least {MIN_PASSWORD_CHARS} characters. A few unrelated words are best.</p>;
}

function Meter({ strength: { level, word, advice } }: { strength: PasswordStrength }) {
  return (
    <>
      <div aria-hidden="true" className="mb-1.5 flex gap-1">
        {[1, 2, 3, 4].map((step) => (
          <span
            key={step}
            className={cn(
              "h-1 flex-1 rounded-full transition-colors",
              step > level ? "bg-line" : level < 3 ? "bg-bark" : "bg-leaf",
            )}
          />
        ))}
      </div>
      <p aria-live="polite" data-testid="strength">
        <span className="font-medium text-ink">{word}</span>
        {advice && ` – ${advice}`}
      </p>
    </>
  );
}
