"use client";

import { type FormEvent, useState } from "react";
import { Card } from "./parts";
import { SaveButton } from "./save-button";
import { NewPasswordField } from "@/components/auth/new-password-field";
import { PasswordField } from "@/components/auth/password-field";
import { ProblemNote } from "@/components/auth/problem-note";
import { useApp, useSession } from "@/hooks/use-app";
import { type FieldErrors, useSubmit } from "@/hooks/use-submit";
import { changePassword } from "@/lib/api/auth";
import { MIN_PASSWORD_CHARS } from "@/lib/password-strength";
import { showToast } from "@/lib/toasts";

const ABOUT_OLD = { wrong_password: "old_password" };

export function PasswordSection() {
  // A new form each time, empty.
  const [changes, setChanges] = useState(0);
  return (
    <Card lead="When it changes, all your other devices are signed out. API keys stay as they are.">
      <PasswordForm key={changes} onChanged={() => setChanges((count) => count + 1)} />
    </Card>
  );
}

function PasswordForm({ onChanged }: { onChanged: () => void }) {
  const { api, session } = useApp();
  const { user } = useSession();
  const { formRef, isBusy, problem, waitS, run, refuse } = useSubmit(ABOUT_OLD);
  const name = user?.username ?? "";

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const before = String(form.get("old_password"));
    const after = String(form.get("new_password"));
    const wrong = wrongIn(before, after);
    if (Object.keys(wrong).length > 0) return refuse(wrong);
    const isDone = await run(async () =>
      session.replaceUser(await changePassword(api, before, after)),
    );
    if (!isDone) return;
    showToast({ text: "Your password is changed. All other devices are signed out." });
    onChanged();
  }

  return (
    <form ref={formRef} onSubmit={(event) => void submit(event)} noValidate className="space-y-5">
      {/* Tells password managers whose password it is. */}
      <input type="text" name="username" autoComplete="username" value={name} readOnly hidden />
      <PasswordField
        label="Current password"
        name="old_password"
        autoComplete="current-password"
        errors={problem?.fields.old_password}
        data-testid="password-old"
      />
      <NewPasswordField
        label="New password"
        name="new_password"
        username={name}
        errors={problem?.fields.new_password}
        testId="password-new"
      />
      <ProblemNote failure={problem?.failure} waitS={waitS} />
      <SaveButton isBusy={isBusy} waitS={waitS} testId="password-save">
        Change password
      </SaveButton>
    </form>
  );
}

function wrongIn(before: string, after: string): FieldErrors {
  const isShort = [...after].length < MIN_PASSWORD_CHARS;
  return {
    ...(before === "" ? { old_password: ["Enter your password."] } : {}),
    ...(isShort ? { new_password: [`At least ${MIN_PASSWORD_CHARS} characters, please.`] } : {}),
  };
}
