"use client";

import type { FormEvent } from "react";
import { SaveButton } from "./save-button";
import { PasswordField } from "@/components/auth/password-field";
import { ProblemNote } from "@/components/auth/problem-note";
import { Button } from "@/components/ui/button";
import { Dialog, DialogClose } from "@/components/ui/dialog";
import { useApp } from "@/hooks/use-app";
import type { OwnEmail } from "@/hooks/use-own-email";
import { useSubmit } from "@/hooks/use-submit";
import { removeEmail } from "@/lib/api/email";
import { showToast } from "@/lib/toasts";

const ABOUT_PASSWORD = { wrong_password: "password" };

interface RemoveEmailDialogProps {
  readonly own: OwnEmail;
  readonly onClose: () => void;
}

export function RemoveEmailDialog({ own, onClose }: RemoveEmailDialogProps) {
  const { api } = useApp();
  const { formRef, isBusy, problem, waitS, run, refuse } = useSubmit(ABOUT_PASSWORD);

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const password = String(new FormData(event.currentTarget).get("password"));
    if (password === "") return refuse({ password: ["Enter your password."] });
    const isGone = await run(async () => {
      await removeEmail(api, password);
      await own.look();
    });
    if (!isGone) return;
    showToast({ text: "Your e-mail address is removed." });
    onClose();
  }

  return (
    <Dialog
      isOpen
      onOpenChange={(isOpen) => !isOpen && onClose()}
      title="Remove your e-mail address?"
      description="If you forget your password then, there is no way to choose a new one."
    >
      <form ref={formRef} onSubmit={(event) => void submit(event)} noValidate className="space-y-5">
        <PasswordField
          label="Password"
          name="password"
          autoComplete="current-password"
          errors={problem?.fields.password}
          data-testid="email-remove-password"
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
            testId="email-remove-confirm"
          >
            Remove it
          </SaveButton>
        </div>
      </form>
    </Dialog>
  );
}
