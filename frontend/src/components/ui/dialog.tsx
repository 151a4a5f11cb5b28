"use client";

import * as Base from "@radix-ui/react-dialog";
import { X } from "lucide-react";
import { type ReactNode, useRef } from "react";
import { Button } from "./button";
import { useFocusBack } from "@/hooks/use-focus-back";
import { cn } from "@/lib/cn";

interface DialogProps {
  readonly isOpen: boolean;
  readonly onOpenChange: (isOpen: boolean) => void;
  readonly title: string;
  /** One or two sentences under the title. */
  readonly description?: ReactNode;
  readonly children: ReactNode;
  readonly className?: string;
}

/** A window in the middle; on phones it rises from the lower edge, near the thumb. */
export function Dialog(props: DialogProps) {
  const { isOpen, onOpenChange, title, description, children, className } = props;
  const describedBy = description ? {} : { "aria-describedby": undefined };
  const body = useRef<HTMLDivElement>(null);
  const giveFocusBack = useFocusBack(isOpen);
  return (
    <Base.Root open={isOpen} onOpenChange={onOpenChange}>
      <Base.Portal>
        <Base.Overlay className="fixed inset-0 z-50 bg-veil motion-safe:animate-appear" />
        <Base.Content
          {...describedBy}
          onOpenAutoFocus={(event) => {
            event.preventDefault();
            const first = firstControl(body.current) ?? (event.target as HTMLElement);
            first.focus({ preventScroll: true });
          }}
          onCloseAutoFocus={giveFocusBack}
          className={cn(
            "fixed z-50 flex max-h-[min(85dvh,44rem)] flex-col overflow-y-auto overscroll-contain border bg-raised p-6 shadow-float outline-none",
            "max-sm:inset-x-0 max-sm:bottom-0 max-sm:rounded-t-3xl max-sm:pb-[max(1.5rem,env(safe-area-inset-bottom))] max-sm:motion-safe:animate-rise",
            "sm:top-1/2 sm:left-1/2 sm:w-[min(30rem,calc(100vw-2rem))] sm:-translate-x-1/2 sm:-translate-y-1/2 sm:rounded-2xl sm:motion-safe:animate-appear",
            className,
          )}
        >
          <div className="flex items-start gap-4">
            <div className="min-w-0 flex-1">
              <Base.Title className="font-display text-lg leading-snug font-bold">{title}</Base.Title>
              {description && (
                <Base.Description className="mt-1.5 text-[0.9375rem] text-ink-soft">
                  {description}
                </Base.Description>
              )}
            </div>
            <Base.Close asChild>
              <Button variant="ghost" size="icon" aria-label="Close" className="-mt-2 -mr-2">
                <X className="size-5" />
              </Button>
            </Base.Close>
          </div>
          <div ref={body} className="mt-5">
            {children}
          </div>
        </Base.Content>
      </Base.Portal>
    </Base.Root>
  );
}

const CONTROLS =
  "a[href], button:not(:disabled), input:not(:disabled, [hidden]), select, textarea, [tabindex='0']";

/** Where the person begins, which is not the button that closes; of radio buttons the chosen one. */
function firstControl(body: HTMLElement | null): HTMLElement | null {
  const first = body?.querySelector<HTMLElement>(CONTROLS) ?? null;
  if (!(first instanceof HTMLInputElement) || first.type !== "radio") return first;
  const chosen = first.closest("fieldset")?.querySelector<HTMLElement>("input:checked");
  return chosen ?? first;
}

export const DialogClose = Base.Close;
