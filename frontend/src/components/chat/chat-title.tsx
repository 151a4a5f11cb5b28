"use client";

import { useRef, useState } from "react";
import { useChangeConversations } from "@/hooks/use-change-conversation";
import { useConversations } from "@/hooks/use-conversations";
import { TITLE_MAX_CHARS } from "@/lib/api/conversations";

interface ChatTitleProps {
  readonly title: string | null;
  readonly conversation: number | null;
}

/** What the conversation is called; pressing it renames in place. */
export function ChatTitle({ title, conversation }: ChatTitleProps) {
  const item = useConversations().data?.find(({ id }) => id === conversation);
  const change = useChangeConversations();
  const [draft, setDraft] = useState<string | null>(null);
  const button = useRef<HTMLButtonElement>(null);
  /** The button is not there before the field has gone. */
  const isLeaving = useRef(false);

  function close(): void {
    isLeaving.current = true;
    setDraft(null);
  }

  function save(): void {
    const next = draft?.trim() ?? "";
    if (item && next !== "" && next !== item.title) {
      change.mutate({ items: [item], changes: { title: next } });
    }
    close();
  }

  if (title === null) return <h1 className="sr-only">Chat</h1>;
  if (item === undefined) return <h1 className="truncate font-medium">{title}</h1>;
  if (draft !== null) {
    return (
      <form
        className="min-w-0 flex-1"
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        <input
          autoFocus
          aria-label="Title of this conversation"
          value={draft}
          maxLength={TITLE_MAX_CHARS}
          onChange={(event) => setDraft(event.target.value)}
          onFocus={(event) => event.target.select()}
          onBlur={save}
          onKeyDown={(event) => {
            if (event.key !== "Escape") return;
            event.preventDefault();
            close();
          }}
          data-testid="title-field"
          className="h-9 w-full max-w-md rounded-lg border border-leaf bg-raised px-2 font-medium outline-none"
        />
      </form>
    );
  }
  return (
    <h1 className="min-w-0">
      <button
        ref={(element) => {
          button.current = element;
          if (element && isLeaving.current && document.activeElement === document.body) {
            element.focus();
          }
          if (element) isLeaving.current = false;
        }}
        type="button"
        title="Rename"
        onClick={() => setDraft(item.title)}
        data-testid="title"
        className="block h-9 max-w-full truncate rounded-lg px-2 font-medium transition-colors hover:bg-hover"
      >
        <span className="sr-only">Rename </span>
        {title}
      </button>
    </h1>
  );
}
