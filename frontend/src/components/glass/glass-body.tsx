"use client";

import { useMemo } from "react";
import { Alternatives } from "./alternatives";
import { GlassToken } from "./glass-token";
import { useTokenPopover } from "./use-token-popover";
import { ANSWER_FOCUS } from "@/components/chat/answer-actions";
import { Popover, PopoverAnchor, PopoverContent } from "@/components/ui/popover";
import { useApp, useSession } from "@/hooks/use-app";
import { handFocusTo } from "@/hooks/use-handed-focus";
import { GIVEN } from "@/lib/chat/events";
import {
  type Alternative,
  alignTokens,
  paragraphsOf,
  type Piece,
  pieceProbability,
  spoken,
  tokenKind,
} from "@/lib/chat/glass";
import type { Message, TokenTrace } from "@/lib/chat/state";

export interface GlassBodyProps {
  readonly message: Message;
  readonly text: string;
  readonly tokens: readonly TokenTrace[];
  /** It, or another answer of the conversation, is being written. */
  readonly isBusy: boolean;
}

/**
 * The words of an answer, each tinted by how likely it was. To a screen reader they are the plain
 * text, and beside it a list of tokens, one tab stop in all.
 */
export function GlassBody({ message, text, tokens, isBusy }: GlassBodyProps) {
  const { chat } = useApp();
  const pieces = useMemo(() => alignTokens(text, tokens), [text, tokens]);
  const paragraphs = useMemo(() => paragraphsOf(text, pieces), [text, pieces]);
  const { shown, stop, anchor, hide, listProps, panelProps } = useTokenPopover();
  const refusal = useRefusal(message, tokens, isBusy);
  const looked = pieces.find((piece) => contains(piece, shown?.start ?? -1));
  const first = paragraphs.flat().find(({ at }) => at !== null)?.start;

  function branch(piece: Piece, alternative: Alternative): void {
    if (piece.at === null) return;
    hide();
    handFocusTo(ANSWER_FOCUS);
    const words = tokenKind(alternative.text) === "words" ? alternative.text : "";
    const beginning = text.slice(0, piece.start) + words;
    chat.branch(message.key, piece.at, alternative.id, beginning);
  }

  return (
    <Popover open={looked !== undefined} onOpenChange={(isOpen) => !isOpen && hide()}>
      <p className="sr-only select-none">{text}</p>
      <div
        {...listProps}
        role="listbox"
        aria-label="Tokens of this answer"
        className="space-y-3 leading-relaxed wrap-anywhere whitespace-pre-wrap"
        data-testid="glass-text"
      >
        {paragraphs.map((paragraph, index) => (
          <p key={index} role="group">
            {paragraph.map((piece) =>
              piece.at === null ? (
                <span key={piece.start}>{piece.text}</span>
              ) : (
                <GlassToken
                  key={piece.start}
                  text={piece.text}
                  start={piece.start}
                  share={pieceProbability(piece)}
                  isTabStop={piece.start === (stop ?? first)}
                  isShown={piece.start === shown?.start}
                />
              ),
            )}
          </p>
        ))}
      </div>
      <PopoverAnchor virtualRef={anchor as { readonly current: HTMLElement }} />
      {looked && (
        <PopoverContent
          {...panelProps}
          tabIndex={-1}
          aria-label={`Alternatives to “${spoken(looked.text)}”`}
          className="w-[min(19rem,calc(100vw-1.5rem))]"
          data-testid="glass-popover"
        >
          <Alternatives
            piece={looked}
            hasWordsBefore={text.slice(0, looked.start).trim() !== ""}
            refusal={refusal}
            onChoose={(alternative) => branch(looked, alternative)}
          />
        </PopoverContent>
      )}
    </Popover>
  );
}

/** Why the answer cannot go on from another token; null where it can. */
function useRefusal(
  message: Message,
  tokens: readonly TokenTrace[],
  isBusy: boolean,
): string | null {
  const { status } = useSession();
  if (status !== "member") return "With an account you could choose another one and go on from there.";
  if (isBusy) return "When the answer is complete, you can go on from another one.";
  if (message.id === null) return "This chat is not stored, so no version can begin here.";
  if (tokens.some(({ id }) => id === GIVEN)) return "The beginning of this answer was not recorded.";
  return null;
}

function contains({ start, text, at }: Piece, place: number): boolean {
  return at !== null && place >= start && place < start + text.length;
}
