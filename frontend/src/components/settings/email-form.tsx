"use client";

import type { FormEvent } from "react";
import { SaveButton } from "./save-button";
import { EmailField, emailProblem } from "@/components/auth/email-field";
import { PasswordField } from "@/components/auth/password-field";
import { ProblemNote } from "@/components/auth/problem-note";
import { Button } from "@/components/ui/button";
import { useApp } from "@/hooks/use-app";
import type { OwnEmail } from "@/hooks/use-own-email";
import { useSubmit } from "@/hooks/use-submit";
import { setEmail } from "@/lib/api/email";
import { showToast } from "@/lib/toasts";

const ABOUT_PASSWORD = { wrong_password: "password" };

interface EmailFormProps {
  readonly own: OwnEmail;
  readonly onDone: () => void;
  readonly onCancel?: () => void;
}

/** Sends a link to an address, the pending one once more for instance. */
export function EmailForm({ own, onDone, onCancel }: EmailFormProps) {
  const { api } = useApp();
  const { formRef, isBusy, problem, waitS, run, refuse } = useSubmit(ABOUT_PASSWORD);

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const email = String(form.get("email")).trim();
    const password = String(form.get("password"));
    const wrong = emailProblem(email);
    if (wrong) return refuse({ email: [wrong] });
    if (password === "") return refuse({ password: ["Enter your password."] });
    const isSent = await run(async () => {
      await setEmail(api, email, password);
      await own.look();
    });
    if (!isSent) return;
    showToast({ text: `A link is on its way to ${email}.` });
    onDone();
  }

  return (
    <form ref={formRef} onSubmit={(event) => void submit(event)} noValidate className="space-y-5">
      <EmailField
        autoFocus={onCancel !== undefined}
        defaultValue={own.pending ?? ""}
        errors={problem?.fields.email}
        testId="email-new"
      />
      <PasswordField
        label="Your password"
        name="password"
        autoComplete="current-password"
        errors={problem?.fields.password}
        data-testid="email-password"
      />
      <ProblemNote failure={problem?.failure} waitS={waitS} />
      <div className="flex flex-wrap gap-2">
        <SaveButton isBusy={isBusy} waitS={waitS} testId="email-save">
          Send the link
        </SaveButton>
        {onCancel && (
          <Button variant="ghost" onClick={onCancel}>
            Cancel
          </Button>
        )}
      </div>
    </form>
  );
}
