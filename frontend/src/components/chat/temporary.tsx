"use client";

import { MessageCircleDashed } from "lucide-react";
import { IconButton } from "@/components/ui/icon-button";

/** Says all along that nothing of this chat is kept. */
export function TemporaryBadge() {
  return (
    <span
      className="inline-flex h-7 shrink-0 items-center gap-1.5 rounded-full border border-dashed border-line-strong px-2.5 text-xs font-medium text-ink-soft"
      data-testid="temporary-badge"
    >
      <MessageCircleDashed className="size-3.5" aria-hidden="true" />
      Temporary
    </span>
  );
}

interface TemporaryToggleProps {
  readonly isOn: boolean;
  readonly onChange: (isOn: boolean) => void;
}

/** Only before the first message: what was said can no longer be unsaved. */
export function TemporaryToggle({ isOn, onChange }: TemporaryToggleProps) {
  return (
    <IconButton
      label="Temporary chat"
      side="bottom"
      aria-pressed={isOn}
      variant={isOn ? "ghost-leaf" : "ghost"}
      className={isOn ? "bg-hover" : undefined}
      onClick={() => onChange(!isOn)}
      data-testid="temporary-toggle"
    >
      <MessageCircleDashed className="size-5" />
    </IconButton>
  );
}
