import type { ReactNode } from "react";
import { cn } from "@/lib/cn";

interface ActionRowProps {
  readonly label: string;
  /** Otherwise it shows on hover and focus, and always where there is no hover. */
  readonly isAlwaysShown: boolean;
  readonly className?: string;
  readonly children?: ReactNode;
}

/** The actions under a message. It keeps its height while empty, so that nothing moves. */
export function ActionRow({ label, isAlwaysShown, className, children }: ActionRowProps) {
  return (
    <div
      role="group"
      aria-label={label}
      className={cn(
        "mt-1 flex min-h-8 flex-wrap items-center text-ink-soft pointer-coarse:min-h-10",
        !isAlwaysShown &&
          "opacity-0 transition-opacity duration-150 group-focus-within/message:opacity-100 group-hover/message:opacity-100 pointer-coarse:opacity-100",
        className,
      )}
      data-testid="message-actions"
    >
      {children}
    </div>
  );
}
