"use client";

import { useRouter } from "next/navigation";
import type { FormEvent } from "react";
import { SaveButton } from "./save-button";
import { PasswordField } from "@/components/auth/password-field";
import { ProblemNote } from "@/components/auth/problem-note";
import { Button } from "@/components/ui/button";
import { Dialog, DialogClose } from "@/components/ui/dialog";
import { TextField } from "@/components/ui/text-field";
import { useApp, useSession } from "@/hooks/use-app";
import { useSubmit } from "@/hooks/use-submit";
import { deleteAccount } from "@/lib/api/account";
import { showToast } from "@/lib/toasts";

const ABOUT_PASSWORD = { wrong_password: "password" };

export function DeleteAccountDialog({ onClose }: { onClose: () => void }) {
  const { api, session } = useApp();
  const { user } = useSession();
  const router = useRouter();
  const { formRef, isBusy, problem, waitS, run, refuse } = useSubmit(ABOUT_PASSWORD);
  const name = user?.username ?? "";

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const password = String(form.get("password"));
    if (String(form.get("confirmation")).trim() !== name) {
      return refuse({ confirmation: [`Type ${name} to confirm.`] });
    }
    if (password === "") return refuse({ password: ["Enter your password."] });
    const isDone = await run(() =>
      api.exclusively(async () => {
        await deleteAccount(api, password);
        // Before a refresh of the closed socket can call it a session that ended elsewhere.
        session.lose(null);
      }),
    );
    if (!isDone) return;
    showToast({ text: "Your account and everything in it is deleted." });
    router.replace("/");
  }

  return (
    <Dialog
      isOpen
      onOpenChange={(isOpen) => !isOpen && onClose()}
      title="Delete your account?"
      description="Everything of yours is deleted at once. Nobody can bring it back, not even we."
    >
      <form ref={formRef} onSubmit={(event) => void submit(event)} noValidate className="space-y-5">
        <TextField
          label={`Type your name, ${name}, to confirm`}
          name="confirmation"
          autoComplete="off"
          autoCapitalize="none"
          autoCorrect="off"
          spellCheck={false}
          required
          errors={problem?.fields.confirmation}
          data-testid="delete-confirmation"
        />
        <PasswordField
          label="Password"
          name="password"
          autoComplete="current-password"
          errors={problem?.fields.password}
          data-testid="delete-password"
        />
        <ProblemNote failure={problem?.failure} waitS={waitS} />
        <div className="flex flex-wrap justify-end gap-2">
          <DialogClose asChild>
            <Button variant="outline">Keep it</Button>
          </DialogClose>
          <SaveButton
            isBusy={isBusy}
            waitS={waitS}
            variant="danger"
            testId="delete-account-confirm"
          >
            Delete for good
          </SaveButton>
        </div>
      </form>
    </Dialog>
  );
}
