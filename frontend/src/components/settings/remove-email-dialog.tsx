"use client";

import type { FormEvent } from "react";
import { ABOUT_PASSWORD, PasswordDialog } from "./password-dialog";
import { useApp } from "@/hooks/use-app";
import type { OwnEmail } from "@/hooks/use-own-email";
import { useSubmit } from "@/hooks/use-submit";
import { removeEmail } from "@/lib/api/email";
import { showToast } from "@/lib/toasts";

interface RemoveEmailDialogProps {
  readonly own: OwnEmail;
  readonly onClose: () => void;
}

export function RemoveEmailDialog({ own, onClose }: RemoveEmailDialogProps) {
  const { api } = useApp();
  const form = useSubmit(ABOUT_PASSWORD);

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const password = String(new FormData(event.currentTarget).get("password"));
    if (password === "") return form.refuse({ password: ["Enter your password."] });
    const isGone = await form.run(async () => {
      await removeEmail(api, password);
      await own.look();
    });
    if (!isGone) return;
    showToast({ text: "Your e-mail address is removed." });
    onClose();
  }

  return (
    <PasswordDialog
      title="Remove your e-mail address?"
      description="If you forget your password then, there is no way to choose a new one."
      confirm="Remove it"
      form={form}
      onSubmit={submit}
      onClose={onClose}
      passwordTestId="email-remove-password"
      confirmTestId="email-remove-confirm"
    />
  );
}
