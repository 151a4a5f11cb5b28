"use client";

import Link from "next/link";
import { type FormEvent, useState } from "react";
import { AuthFrame } from "./auth-frame";
import { InvalidLink } from "./invalid-link";
import { NewPasswordField } from "./new-password-field";
import { ProblemNote } from "./problem-note";
import { SaveButton } from "@/components/settings/save-button";
import { Button } from "@/components/ui/button";
import { useApp } from "@/hooks/use-app";
import { useLinkToken } from "@/hooks/use-link-token";
import { useSubmit } from "@/hooks/use-submit";
import { resetPassword } from "@/lib/api/email";
import { MIN_PASSWORD_CHARS } from "@/lib/password-strength";

/** Chooses a new password with the link of a mail. */
export function ResetPage() {
  const { api } = useApp();
  const token = useLinkToken();
  const { formRef, isBusy, problem, waitS, run, refuse } = useSubmit();
  const [isDone, setIsDone] = useState(false);

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const password = String(new FormData(event.currentTarget).get("new_password"));
    if ([...password].length < MIN_PASSWORD_CHARS) {
      return refuse({ new_password: [`At least ${MIN_PASSWORD_CHARS} characters, please.`] });
    }
    setIsDone(await run(() => resetPassword(api, token ?? "", password)));
  }

  if (isDone) {
    return (
      <AuthFrame
        title="Your password is changed"
        lead="Whoever was signed in to your account is signed out, on all devices, and your API keys are revoked. Use the new password from now on."
      >
        <div className="mt-8" data-testid="reset-done">
          <Button asChild>
            <Link href="/login/">Sign in</Link>
          </Button>
        </div>
      </AuthFrame>
    );
  }
  const isInvalid = token === null || problem?.failure?.code === "invalid_link";
  return (
    <AuthFrame
      title="Choose a new password"
      lead={
        isInvalid
          ? undefined
          : "Then you are signed out on all devices, your API keys end, and you sign in with it."
      }
    >
      {isInvalid ? (
        <InvalidLink>
          <Button asChild variant="outline">
            <Link href="/login/?forgot=1">Ask for a new link</Link>
          </Button>
        </InvalidLink>
      ) : (
        <form
          ref={formRef}
          className="mt-8 space-y-5"
          onSubmit={(event) => void submit(event)}
          noValidate
        >
          <NewPasswordField
            label="New password"
            name="new_password"
            username=""
            errors={problem?.fields.new_password}
            testId="reset-password"
          />
          <ProblemNote failure={problem?.failure} waitS={waitS} />
          <SaveButton
            isBusy={isBusy}
            waitS={waitS}
            isDisabled={token === undefined}
            isWide
            testId="reset-save"
          >
            Change the password
          </SaveButton>
        </form>
      )}
    </AuthFrame>
  );
}
