"use client";

import { useRouter } from "next/navigation";
import type { FormEvent } from "react";
import { ABOUT_PASSWORD, PasswordDialog } from "./password-dialog";
import { TextField } from "@/components/ui/text-field";
import { useApp, useSession } from "@/hooks/use-app";
import { useSubmit } from "@/hooks/use-submit";
import { deleteAccount } from "@/lib/api/account";
import { showToast } from "@/lib/toasts";

export function DeleteAccountDialog({ onClose }: { onClose: () => void }) {
  const { api, session } = useApp();
  const { user } = useSession();
  const router = useRouter();
  const form = useSubmit(ABOUT_PASSWORD);
  const name = user?.username ?? "";

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const password = String(data.get("password"));
    if (String(data.get("confirmation")).trim() !== name) {
      return form.refuse({ confirmation: [`Type ${name} to confirm.`] });
    }
    if (password === "") return form.refuse({ password: ["Enter your password."] });
    const isDone = await form.run(() =>
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
    <PasswordDialog
      title="Delete your account?"
      description="Everything of yours is deleted at once. Nobody can bring it back, not even we."
      confirm="Delete for good"
      form={form}
      onSubmit={submit}
      onClose={onClose}
      passwordTestId="delete-password"
      confirmTestId="delete-account-confirm"
    >
      <TextField
        label={`Type your name, ${name}, to confirm`}
        name="confirmation"
        autoComplete="off"
        autoCapitalize="none"
        autoCorrect="off"
        spellCheck={false}
        required
        errors={form.problem?.fields.confirmation}
        data-testid="delete-confirmation"
      />
    </PasswordDialog>
  );
}
