"use client";

import { MailCheck } from "lucide-react";
import { type FormEvent, useState } from "react";
import { ProblemNote } from "./problem-note";
import { SaveButton } from "@/components/settings/save-button";
import { EmailField, emailProblem } from "./email-field";
import { useApp } from "@/hooks/use-app";
import { useSubmit } from "@/hooks/use-submit";
import { forgotPassword } from "@/lib/api/email";

/** Asks for the link; the answer tells nobody whether there is such an account. */
export function ForgotForm() {
  const { api } = useApp();
  const { formRef, isBusy, problem, waitS, run, refuse } = useSubmit();
  const [sentTo, setSentTo] = useState<string | null>(null);

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const email = String(new FormData(event.currentTarget).get("email")).trim();
    const wrong = emailProblem(email);
    if (wrong) return refuse({ email: [wrong] });
    if (await run(() => forgotPassword(api, email))) setSentTo(email);
  }

  if (sentTo !== null) return <Sent email={sentTo} />;
  return (
    <form
      ref={formRef}
      className="mt-8 space-y-5"
      onSubmit={(event) => void submit(event)}
      noValidate
    >
      <EmailField autoFocus errors={problem?.fields.email} testId="forgot-email" />
      <ProblemNote failure={problem?.failure} waitS={waitS} />
      <SaveButton isBusy={isBusy} waitS={waitS} isWide testId="forgot-send">
        Send the link
      </SaveButton>
    </form>
  );
}

function Sent({ email }: { email: string }) {
  return (
    <div role="status" className="mt-8 flex gap-3 rounded-2xl border bg-raised p-5" data-testid="forgot-sent">
      <MailCheck className="mt-0.5 size-5 shrink-0 text-leaf" aria-hidden="true" />
      <div className="min-w-0">
        <p className="font-medium">Check your mail</p>
        <p className="mt-1 text-sm text-ink-soft text-pretty">
          If <span className="break-words text-ink">{email}</span> belongs to an account, a link is
          on its way there, good for an hour. Nothing comes? Look into the spam folder, or try another address.
        </p>
      </div>
    </div>
  );
}
