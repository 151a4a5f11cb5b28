"use client";

import type { FormEvent, ReactNode } from "react";
import { SaveButton } from "./save-button";
import { PasswordField } from "@/components/auth/password-field";
import { ProblemNote } from "@/components/auth/problem-note";
import { Button } from "@/components/ui/button";
import { Dialog, DialogClose } from "@/components/ui/dialog";
import type { useSubmit } from "@/hooks/use-submit";

/** Which field an error of the server is about, for `useSubmit`. */
export const ABOUT_PASSWORD = { wrong_password: "password" };

interface PasswordDialogProps {
  readonly title: string;
  readonly description: string;
  readonly confirm: string;
  readonly form: ReturnType<typeof useSubmit>;
  readonly onSubmit: (event: FormEvent<HTMLFormElement>) => Promise<void>;
  readonly onClose: () => void;
  readonly passwordTestId: string;
  readonly confirmTestId: string;
  /** Fields before the password. */
  readonly children?: ReactNode;
}

/** Asks for the password before something grave is done. */
export function PasswordDialog(props: PasswordDialogProps) {
  const { formRef, isBusy, problem, waitS } = props.form;
  return (
    <Dialog
      isOpen
      onOpenChange={(isOpen) => !isOpen && props.onClose()}
      title={props.title}
      description={props.description}
    >
      <form
        ref={formRef}
        onSubmit={(event) => void props.onSubmit(event)}
        noValidate
        className="space-y-5"
      >
        {props.children}
        <PasswordField
          label="Password"
          name="password"
          autoComplete="current-password"
          errors={problem?.fields.password}
          data-testid={props.passwordTestId}
        />
        <ProblemNote failure={problem?.failure} waitS={waitS} />
        <div className="flex flex-wrap justify-end gap-2">
          <DialogClose asChild>
            <Button variant="outline">Keep it</Button>
          </DialogClose>
          <SaveButton isBusy={isBusy} waitS={waitS} variant="danger" testId={props.confirmTestId}>
            {props.confirm}
          </SaveButton>
        </div>
      </form>
    </Dialog>
  );
}
