"use client";

import { Equal, EqualNot } from "lucide-react";
import { useReplayVerdict } from "@/hooks/use-replay";
import type { Message } from "@/lib/chat/state";

/** Under a replayed answer: whether it says the same. */
export function ReplayNote({ message }: { readonly message: Message }) {
  const isSame = useReplayVerdict(message);
  if (isSame === null) return null;
  const Icon = isSame ? Equal : EqualNot;
  return (
    <p
      role="status"
      className="mt-2 flex items-center gap-1.5 text-sm text-ink-soft motion-safe:animate-appear"
      data-testid="replay-note"
    >
      <Icon className={isSame ? "size-4 text-leaf" : "size-4 text-bark"} aria-hidden="true" />
      {isSame
        ? "Replayed: the same text, letter for letter."
        : "Replayed: the text differs. The model, or what came before, has changed."}
    </p>
  );
}
