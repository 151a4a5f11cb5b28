"use client";

import * as Base from "@radix-ui/react-toast";
import { X } from "lucide-react";
import { type FocusEvent, useRef } from "react";
import { Button } from "./button";
import { useStore } from "@/hooks/use-store";
import { dismissToast, shownToasts, type Toast } from "@/lib/toasts";

/** Long enough to read and to press Undo; it waits while the pointer or the focus is on it. */
const SHOWN_MS = 7_000;

/** Shows what `showToast` was given; once on the page. */
export function Toaster() {
  const toasts = useStore(shownToasts);
  const viewport = useRef<HTMLOListElement>(null);
  const cameFrom = useRef<HTMLElement>(null);

  function rememberOrigin({ currentTarget, relatedTarget }: FocusEvent): void {
    if (currentTarget.contains(relatedTarget)) return;
    cameFrom.current = relatedTarget instanceof HTMLElement ? relatedTarget : null;
  }

  /** Radix would move it to the list of notices, where nothing is left to do. */
  function giveFocusBack(): void {
    const focused = document.activeElement;
    if (!(focused instanceof HTMLElement) || !viewport.current?.contains(focused)) return;
    focused.blur();
    // What an action brings back may have taken it until then.
    afterRender(() => {
      if (document.activeElement === document.body) cameFrom.current?.focus({ preventScroll: true });
    });
  }

  return (
    <Base.Provider duration={SHOWN_MS} swipeDirection="right" label="Notices">
      {/* Notices are children of this and, on the page, of the viewport. */}
      <div className="contents" onFocus={rememberOrigin}>
        {toasts.map((toast) => (
          <ToastView key={toast.id} toast={toast} onLeave={giveFocusBack} />
        ))}
        {/* Above the message field: a notice must not keep anybody from sending. */}
        <Base.Viewport
          ref={viewport}
          className="fixed right-0 bottom-[calc(6.5rem+env(safe-area-inset-bottom))] z-[60] flex w-full flex-col gap-2 px-4 outline-none sm:max-w-96"
        />
      </div>
    </Base.Provider>
  );
}

interface ToastViewProps {
  readonly toast: Toast;
  /** The person closes it: it is still there, with the focus. */
  readonly onLeave: () => void;
}

function ToastView({ toast, onLeave }: ToastViewProps) {
  const { id, text, action } = toast;
  return (
    <Base.Root
      data-testid="toast"
      type={toast.isUrgent ? "foreground" : "background"}
      onEscapeKeyDown={onLeave}
      onOpenChange={(isOpen) => !isOpen && dismissToast(id)}
      className="flex items-center gap-2 rounded-2xl border bg-raised py-2 pr-2 pl-4 text-sm shadow-float motion-safe:animate-rise"
    >
      <Base.Description className="min-w-0 flex-1 py-1.5 wrap-anywhere">{text}</Base.Description>
      {action && (
        <Base.Action asChild altText={action.label}>
          <Button
            variant="outline"
            size="small"
            onClick={() => {
              onLeave();
              action.run();
            }}
            data-testid="toast-action"
          >
            {action.label}
          </Button>
        </Base.Action>
      )}
      <Base.Close asChild>
        <Button variant="ghost" size="medium-icon" aria-label="Close" onClick={onLeave}>
          <X />
        </Button>
      </Base.Close>
    </Base.Root>
  );
}

function afterRender(task: () => void): void {
  requestAnimationFrame(() => requestAnimationFrame(task));
}
