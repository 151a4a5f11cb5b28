"use client";

import { PencilLine } from "lucide-react";
import { memo, useState } from "react";
import { ActionRow } from "./action-row";
import { ANSWER_FOCUS } from "./answer-actions";
import { CopyButton } from "./copy-button";
import { HiddenNote } from "./hidden-note";
import { MessageEditor } from "./message-editor";
import { PlainText } from "./plain-text";
import { VersionSwitcher } from "./version-switcher";
import { IconButton } from "@/components/ui/icon-button";
import { OUTSIDE_CLASS } from "@/components/context/outside-note";
import { useApp, useChat } from "@/hooks/use-app";
import { handFocusTo, useHandedFocus } from "@/hooks/use-handed-focus";
import type { MessageProps } from "./messages";
import { cn } from "@/lib/cn";

export const UserMessage = memo(function UserMessage(props: MessageProps) {
  const { message, place, setSize, isBusy, isLastPair, canChange, isOutside } = props;
  const { chat } = useApp();
  const refused = useChat((state) =>
    state.refusedEdit?.key === message.key ? state.refusedEdit : null,
  );
  const [draft, setDraft] = useState<string | null>(null);
  const [seen, setSeen] = useState<typeof refused>(null);
  // What is read from the server has been there all along.
  const [isNew] = useState(message.id === null);
  const editButton = useHandedFocus(`edit:${message.key}`);
  if (refused !== seen) {
    setSeen(refused);
    if (refused) setDraft(refused.text);
  }

  function close(): void {
    setDraft(null);
    handFocusTo(`edit:${message.key}`);
  }

  function save(text: string): void {
    setDraft(null);
    handFocusTo(ANSWER_FOCUS);
    chat.edit(message.key, text);
  }

  const isEditing = draft !== null;
  return (
    <article
      data-testid="message-user"
      aria-posinset={place + 1}
      aria-setsize={setSize}
      className={cn("group/message flex flex-col items-end", isNew && "motion-safe:animate-rise")}
    >
      <h2 className="sr-only">You said</h2>
      {message.isHidden ? (
        <HiddenNote />
      ) : isEditing ? (
        <MessageEditor
          text={draft}
          isBusy={isBusy}
          note={message.id === null && !isLastPair ? "What follows this message will go." : null}
          onSave={save}
          onCancel={close}
        />
      ) : (
        <div
          dir="auto"
          className={cn(
            "max-w-[85%] rounded-3xl rounded-br-lg bg-bubble px-4 py-2.5 sm:max-w-[75%]",
            isOutside && OUTSIDE_CLASS,
          )}
        >
          <PlainText text={message.text} />
        </div>
      )}
      {!isEditing && (
        <ActionRow label="Actions for your message" isAlwaysShown={false} className="-mr-1.5 pointer-fine:-mb-2">
          <VersionSwitcher message={message} place={place} isBusy={isBusy} />
          {!message.isHidden && <CopyButton what="message" text={() => message.text} />}
          {canChange && !message.isHidden && (
            <IconButton
              ref={editButton}
              isSmall
              label="Edit message"
              disabled={isBusy}
              onClick={() => setDraft(message.text)}
              data-testid="edit"
            >
              <PencilLine />
            </IconButton>
          )}
        </ActionRow>
      )}
    </article>
  );
});
