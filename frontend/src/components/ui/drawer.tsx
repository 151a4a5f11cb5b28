"use client";

import * as Dialog from "@radix-ui/react-dialog";
import type { ReactNode } from "react";
import { useFocusBack } from "@/hooks/use-focus-back";

interface DrawerProps {
  readonly isOpen: boolean;
  readonly onOpenChange: (isOpen: boolean) => void;
  /** Read out when it opens; not shown. */
  readonly title: string;
  readonly children: ReactNode;
}

/** A panel from the left edge, for phones. */
export function Drawer({ isOpen, onOpenChange, title, children }: DrawerProps) {
  const giveFocusBack = useFocusBack(isOpen);
  return (
    <Dialog.Root open={isOpen} onOpenChange={onOpenChange}>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-40 bg-veil motion-safe:animate-appear" />
        <Dialog.Content
          aria-describedby={undefined}
          onCloseAutoFocus={giveFocusBack}
          // A field that is emptied, or a mode that is left, by Escape marks itself so.
          onEscapeKeyDown={(event) => {
            const isTaken = (event.target as Element).closest("[data-own-escape]") !== null;
            if (isTaken) event.preventDefault();
          }}
          className="fixed inset-y-0 left-0 z-40 flex w-[min(20rem,86vw)] flex-col overflow-y-auto overscroll-contain bg-sunken shadow-float outline-none motion-safe:animate-[drawer_200ms_ease-out_both]"
        >
          <Dialog.Title className="sr-only">{title}</Dialog.Title>
          {children}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
