"use client";

import { ChevronLeft, ChevronRight } from "lucide-react";
import { IconButton } from "@/components/ui/icon-button";
import { useApp } from "@/hooks/use-app";
import { handFocusTo, useHandedFocus } from "@/hooks/use-handed-focus";
import type { Message } from "@/lib/chat/state";

interface VersionSwitcherProps {
  readonly message: Message;
  /** Its place in the transcript, which another version shares. */
  readonly place: number;
  readonly isBusy: boolean;
}

/** ‹ 2/3 › between the versions of a message, where there is more than one. */
export function VersionSwitcher({ message, place, isBusy }: VersionSwitcherProps) {
  const { siblings } = message;
  if (siblings === null || siblings.count < 2) return null;
  return (
    <div role="group" aria-label="Versions" className="flex items-center" data-testid="versions">
      <Step message={message} place={place} isBusy={isBusy} step={-1} />
      <span className="min-w-7 text-center text-xs text-ink-soft tabular-nums">
        <span className="sr-only">Version </span>
        {siblings.index}/{siblings.count}
      </span>
      <Step message={message} place={place} isBusy={isBusy} step={1} />
    </div>
  );
}

function Step(props: VersionSwitcherProps & { readonly step: -1 | 1 }) {
  const { message, place, isBusy, step } = props;
  const { chat } = useApp();
  const name = `version:${place}:${step}`;
  const ref = useHandedFocus(name);
  const other = step < 0 ? message.siblings?.previous : message.siblings?.next;
  const isAtEnd = (other ?? null) === null;
  const isOff = isAtEnd || isBusy;

  function go(): void {
    if (isOff) return;
    handFocusTo(name);
    void chat.showSibling(message.key, step);
  }

  return (
    <IconButton
      ref={ref}
      isSmall
      label={step < 0 ? "Previous version" : "Next version"}
      // Not `disabled`: the focus would be lost at the last one.
      aria-disabled={isOff}
      className={isOff ? "opacity-45" : undefined}
      onClick={go}
    >
      {step < 0 ? <ChevronLeft /> : <ChevronRight />}
    </IconButton>
  );
}
