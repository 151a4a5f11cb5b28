"use client";

import { type KeyboardEvent, useState } from "react";
import { TITLE_MAX_CHARS } from "@/lib/api/conversations";

interface TitleInputProps {
  readonly title: string;
  /** Null when given up; `isByKey` where the focus did not go elsewhere. */
  readonly onDone: (title: string | null, isByKey: boolean) => void;
}

export function TitleInput({ title, onDone }: TitleInputProps) {
  const [draft, setDraft] = useState(title);

  function onKeyDown(event: KeyboardEvent): void {
    if (event.key === "Enter" && !event.nativeEvent.isComposing) onDone(draft.trim(), true);
    if (event.key === "Escape") {
      event.stopPropagation();
      onDone(null, true);
    }
  }

  return (
    <input
      aria-label="Title"
      data-testid="title-input"
      data-own-escape
      autoFocus
      onFocus={(event) => event.target.select()}
      value={draft}
      maxLength={TITLE_MAX_CHARS}
      onChange={(event) => setDraft(event.target.value)}
      onBlur={() => onDone(draft.trim(), false)}
      onKeyDown={onKeyDown}
      className="h-full w-full rounded-xl bg-raised px-2.5 text-sm -outline-offset-2 pointer-coarse:text-base"
    />
  );
}
