"use client";

import Link from "next/link";
import { useState } from "react";
import { AuthFrame } from "./auth-frame";
import { InvalidLink } from "./invalid-link";
import { ProblemNote } from "./problem-note";
import { SaveButton } from "@/components/settings/save-button";
import { Button } from "@/components/ui/button";
import { useApp, useSession } from "@/hooks/use-app";
import { useLinkToken } from "@/hooks/use-link-token";
import { useSubmit } from "@/hooks/use-submit";
import { readMe, verifyEmail } from "@/lib/api/email";

/**
 * Confirms an address by a press, not by itself: programs that look into mails open links, and
 * would confirm addresses that somebody else has typed.
 */
export function VerifyPage() {
  const { api, session } = useApp();
  const { status } = useSession();
  const token = useLinkToken();
  const { isBusy, problem, waitS, run } = useSubmit();
  const [email, setEmail] = useState<string | null>(null);

  async function confirm(): Promise<void> {
    await run(async () => {
      setEmail(await verifyEmail(api, token ?? ""));
      // Whoever is signed in here may be its owner, or somebody else.
      if (api.isSignedIn) readMe(api).then((user) => session.replaceUser(user), () => undefined);
    });
  }

  if (email !== null) {
    return (
      <AuthFrame
        title="Thank you!"
        lead={
          <>
            <strong className="font-medium break-words text-ink">{email}</strong> is confirmed. If
            you ever forget your password, we send a link there.
          </>
        }
      >
        <div className="mt-8 flex flex-wrap gap-2" data-testid="verified">
          <Button asChild>
            <Link href="/">Go to the chat</Link>
          </Button>
          {status === "member" && (
            <Button asChild variant="outline">
              <Link href="/settings/?tab=profile">Settings</Link>
            </Button>
          )}
        </div>
      </AuthFrame>
    );
  }
  const isInvalid = token === null || problem?.failure?.code === "invalid_link";
  return (
    <AuthFrame
      title="Confirm your address"
      lead={isInvalid ? undefined : "One press, and the address belongs to your account."}
    >
      {isInvalid ? (
        <InvalidLink>
          <Button asChild variant="outline">
            <Link href="/settings/?tab=profile">Go to the settings</Link>
          </Button>
        </InvalidLink>
      ) : (
        <form
          className="mt-8 space-y-5"
          onSubmit={(event) => {
            event.preventDefault();
            void confirm();
          }}
        >
          <ProblemNote failure={problem?.failure} waitS={waitS} />
          <SaveButton
            isBusy={isBusy}
            waitS={waitS}
            isDisabled={token === undefined}
            isWide
            testId="verify"
          >
            Confirm
          </SaveButton>
        </form>
      )}
    </AuthFrame>
  );
}
