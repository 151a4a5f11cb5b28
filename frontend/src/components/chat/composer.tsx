"use client";

import { ArrowUp, Square } from "lucide-react";
import { type KeyboardEvent, type RefObject, useLayoutEffect } from "react";
import { Button } from "@/components/ui/button";
import { cn } from "@/lib/cn";

/** The server's limit for a message; the model's own is lower, and told by the server in tokens. */
export const MAX_CHARS = 4_000;

interface ComposerProps {
  readonly inputRef: RefObject<HTMLTextAreaElement | null>;
  readonly text: string;
  readonly onTextChange: (text: string) => void;
  readonly isAnswering: boolean;
  readonly isReady: boolean;
  /** Nothing can be said here. It keeps the focus, which goes on into a new chat from here. */
  readonly isDisabled: boolean;
  /** Looks different, so that nobody takes it for one that is kept. */
  readonly isTemporary: boolean;
  readonly onSend: () => void;
  readonly onStop: () => void;
}

export function Composer(props: ComposerProps) {
  const { inputRef, text, onTextChange, isAnswering, isReady, isDisabled, isTemporary } = props;
  const { onSend, onStop } = props;
  const canSend = isReady && !isDisabled && !isAnswering && text.trim() !== "";

  useLayoutEffect(() => {
    const input = inputRef.current;
    if (input === null) return;
    input.style.height = "auto";
    input.style.height = `${input.scrollHeight}px`;
  }, [inputRef, text]);

  function onKeyDown(event: KeyboardEvent): void {
    // Enter that picks a word in an input method is not meant for us, nor is it on a phone,
    // where there is no other way to break a line.
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    if (matchMedia("(pointer: coarse)").matches) return;
    event.preventDefault();
    if (canSend) onSend();
  }

  return (
    <form
      className={cn(
        "rounded-[1.75rem] border border-line-strong bg-raised p-1.5 shadow-lift low:p-0.5 transition-colors focus-within:border-leaf",
        isTemporary && "border-dashed border-ink-soft",
        isDisabled && "opacity-60",
      )}
      onSubmit={(event) => {
        event.preventDefault();
        if (canSend) onSend();
      }}
    >
      <div className="flex items-end gap-1.5">
        <textarea
          ref={inputRef}
          id="composer"
          data-testid="composer"
          aria-label="Message"
          placeholder={isTemporary ? "Temporary message" : "Message EuGPT"}
          rows={1}
          dir="auto"
          enterKeyHint="enter"
          maxLength={MAX_CHARS}
          readOnly={isDisabled}
          aria-disabled={isDisabled || undefined}
          value={text}
          onChange={(event) => onTextChange(event.target.value)}
          onKeyDown={onKeyDown}
          className="max-h-[38dvh] min-h-11 flex-1 resize-none bg-transparent px-3.5 py-2.5 text-base leading-6 outline-none placeholder:text-ink-soft"
        />
        {isAnswering ? (
          <Button
            size="round"
            aria-label="Stop answering"
            onClick={() => {
              onStop();
              inputRef.current?.focus();
            }}
            data-testid="stop"
          >
            <Square className="size-3.5 fill-current" />
          </Button>
        ) : (
          <Button
            type="submit"
            size="round"
            aria-label="Send message"
            disabled={!canSend}
            data-testid="send"
          >
            <ArrowUp className="size-5" />
          </Button>
        )}
      </div>
    </form>
  );
}
