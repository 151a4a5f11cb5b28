"use client";

import * as AlertDialog from "@radix-ui/react-alert-dialog";
import { Button } from "./button";
import { useFocusBack } from "@/hooks/use-focus-back";

interface ConfirmDialogProps {
  readonly isOpen: boolean;
  readonly onOpenChange: (isOpen: boolean) => void;
  readonly title: string;
  readonly text: string;
  readonly action: string;
  /** What not doing it is called. */
  readonly refusal?: string;
  readonly onConfirm: () => void;
}

/** Asks before something that cannot be taken back. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const giveFocusBack = useFocusBack(props.isOpen);
  return (
    <AlertDialog.Root open={props.isOpen} onOpenChange={props.onOpenChange}>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="fixed inset-0 z-50 bg-veil motion-safe:animate-appear" />
        <AlertDialog.Content
          onCloseAutoFocus={giveFocusBack}
          className="fixed top-1/2 left-1/2 z-50 w-[min(26rem,calc(100vw-2rem))] -translate-x-1/2 -translate-y-1/2 rounded-2xl border bg-raised p-6 shadow-float outline-none motion-safe:animate-appear"
        >
          <AlertDialog.Title className="font-display text-lg font-bold">
            {props.title}
          </AlertDialog.Title>
          <AlertDialog.Description className="mt-2 text-[0.9375rem] text-ink-soft">
            {props.text}
          </AlertDialog.Description>
          <div className="mt-6 flex justify-end gap-2">
            <AlertDialog.Cancel asChild>
              <Button variant="outline">{props.refusal ?? "Keep it"}</Button>
            </AlertDialog.Cancel>
            <AlertDialog.Action asChild>
              <Button variant="danger" onClick={props.onConfirm} data-testid="confirm">
                {props.action}
              </Button>
            </AlertDialog.Action>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
