"use client";

import * as Base from "@radix-ui/react-toast";
import { X } from "lucide-react";
import { Button } from "./button";
import { useStore } from "@/hooks/use-store";
import { dismissToast, shownToasts, type Toast } from "@/lib/toasts";

/** Long enough to read and to press Undo; it waits while the pointer or the focus is on it. */
const SHOWN_MS = 7_000;

/** Shows what `showToast` was given; once on the page. */
export function Toaster() {
  const toasts = useStore(shownToasts);
  return (
    <Base.Provider duration={SHOWN_MS} swipeDirection="right" label="Notices">
      {toasts.map((toast) => (
        <ToastView key={toast.id} toast={toast} />
      ))}
      {/* Above the message field: a notice must not keep anybody from sending. */}
      <Base.Viewport className="fixed right-0 bottom-[calc(6.5rem+env(safe-area-inset-bottom))] z-[60] flex w-full flex-col gap-2 px-4 outline-none sm:max-w-96" />
    </Base.Provider>
  );
}

function ToastView({ toast }: { toast: Toast }) {
  const { id, text, action } = toast;
  return (
    <Base.Root
      data-testid="toast"
      type={toast.isUrgent ? "foreground" : "background"}
      onOpenChange={(isOpen) => !isOpen && dismissToast(id)}
      className="flex items-center gap-2 rounded-2xl border bg-raised py-2 pr-2 pl-4 text-sm shadow-float motion-safe:animate-rise"
    >
      <Base.Description className="min-w-0 flex-1 py-1.5 wrap-anywhere">{text}</Base.Description>
      {action && (
        <Base.Action asChild altText={action.label}>
          <Button variant="outline" size="small" onClick={action.run} data-testid="toast-action">
            {action.label}
          </Button>
        </Base.Action>
      )}
      <Base.Close asChild>
        <Button variant="ghost" size="icon" className="size-9" aria-label="Close">
          <X className="size-4" />
        </Button>
      </Base.Close>
    </Base.Root>
  );
}
