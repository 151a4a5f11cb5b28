"use client";

import { type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from "react";
import { MAX_CHARS } from "./composer";
import { Button } from "@/components/ui/button";

interface MessageEditorProps {
  readonly text: string;
  readonly isBusy: boolean;
  /** Said under the field, for what sending will do. */
  readonly note: string | null;
  readonly onSave: (text: string) => void;
  readonly onCancel: () => void;
}

/** A message of one's own, being changed in its place. */
export function MessageEditor({ text, isBusy, note, onSave, onCancel }: MessageEditorProps) {
  const [draft, setDraft] = useState(text);
  const ref = useRef<HTMLTextAreaElement>(null);
  const canSave = !isBusy && draft.trim() !== "";

  useEffect(() => {
    const field = ref.current;
    field?.focus();
    field?.setSelectionRange(field.value.length, field.value.length);
  }, []);

  useLayoutEffect(() => {
    if (ref.current === null) return;
    ref.current.style.height = "auto";
    ref.current.style.height = `${ref.current.scrollHeight}px`;
  }, [draft]);

  function onKeyDown(event: KeyboardEvent): void {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Escape") {
      event.preventDefault();
      onCancel();
    }
    const isEnter = event.key === "Enter" && !event.shiftKey;
    if (!isEnter || matchMedia("(pointer: coarse)").matches) return;
    event.preventDefault();
    if (canSave) onSave(draft.trim());
  }

  return (
    <form
      className="mb-4 w-full rounded-3xl border border-leaf bg-raised p-3 shadow-lift"
      onSubmit={(event) => {
        event.preventDefault();
        if (canSave) onSave(draft.trim());
      }}
      data-testid="message-editor"
    >
      <textarea
        ref={ref}
        aria-label="Edit message"
        rows={1}
        dir="auto"
        maxLength={MAX_CHARS}
        value={draft}
        onChange={(event) => setDraft(event.target.value)}
        onKeyDown={onKeyDown}
        className="max-h-[38dvh] w-full resize-none bg-transparent px-1.5 py-1 leading-relaxed outline-none"
      />
      <div className="mt-2 flex flex-wrap items-center justify-end gap-2">
        {note && <p className="flex-1 basis-40 px-1.5 text-sm text-ink-soft">{note}</p>}
        <Button variant="ghost" size="small" onClick={onCancel}>
          Cancel
        </Button>
        <Button type="submit" size="small" disabled={!canSave} data-testid="save-edit">
          Save & send
        </Button>
      </div>
    </form>
  );
}
