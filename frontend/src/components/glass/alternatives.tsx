"use client";

import { Check } from "lucide-react";
import {
  type Alternative,
  alternativesOf,
  likelihoodWords,
  percent,
  type Piece,
  pieceProbability,
  spelled,
  spoken,
  tokenKind,
} from "@/lib/chat/glass";
import { cn } from "@/lib/cn";

interface AlternativesProps {
  readonly piece: Piece;
  /** There is something before it: an answer cannot end before its first word. */
  readonly hasWordsBefore: boolean;
  /** Why the answer cannot go on from another one; null where it can. */
  readonly refusal: string | null;
  readonly onChoose: (alternative: Alternative) => void;
}

/** What the model could have said in the place of a token. */
export function Alternatives({ piece, hasWordsBefore, refusal, onChoose }: AlternativesProps) {
  const [first] = piece.tokens;
  if (first === undefined) return null;
  const share = pieceProbability(piece);
  const count = piece.tokens.length;
  return (
    <>
      <p className="flex items-baseline justify-between gap-3">
        <strong className="min-w-0 truncate font-display text-base font-bold" title={piece.text}>
          {spelled(piece.text, piece.start === 0)}
        </strong>
        <span className="shrink-0 text-ink-soft tabular-nums" data-testid="glass-share">
          {percent(share)}, {likelihoodWords(share)}
        </span>
      </p>
      {count > 1 && (
        <p className="mt-1 text-xs text-ink-soft">
          Written as {count} tokens; these were the choices for the first.
        </p>
      )}
      <ul className="mt-2.5 -mb-1 space-y-0.5" data-testid="glass-alternatives">
        {alternativesOf(first).map((alternative) => (
          <li key={alternative.id}>
            {canChoose(alternative, hasWordsBefore) && refusal === null ? (
              <button
                type="button"
                aria-label={choiceName(alternative)}
                onClick={() => onChoose(alternative)}
                className="-mx-2 w-[calc(100%+1rem)] rounded-lg px-2 text-left transition-colors hover:bg-hover"
                data-testid="glass-branch"
              >
                <Row alternative={alternative} isAtStart={piece.start === 0} />
              </button>
            ) : (
              <Row alternative={alternative} isAtStart={piece.start === 0} />
            )}
          </li>
        ))}
      </ul>
      <p className="mt-3 border-t pt-2.5 text-xs text-ink-soft" data-testid="glass-hint">
        {refusal ?? "Choose another one, and the answer goes on from there as a new version."}
      </p>
    </>
  );
}

interface RowProps {
  readonly alternative: Alternative;
  readonly isAtStart: boolean;
}

function Row({ alternative, isAtStart }: RowProps) {
  const { text, share, isChosen } = alternative;
  const isWords = tokenKind(text) === "words";
  return (
    <span className="flex min-h-8 items-center gap-2 pointer-coarse:min-h-11">
      <span className={cn("flex min-w-0 flex-1 items-center gap-1.5", isChosen && "font-bold")}>
        <span className={cn("truncate whitespace-pre", !isWords && "text-ink-soft italic")}>
          {spelled(text, isAtStart)}
        </span>
        {isChosen && (
          <>
            <Check className="size-4 shrink-0 text-leaf" aria-hidden="true" />
            <span className="sr-only">chosen</span>
          </>
        )}
      </span>{" "}
      <span aria-hidden="true" className="h-1.5 w-24 shrink-0 rounded-full bg-line">
        <span
          className={cn("block h-full rounded-full", isChosen ? "bg-leaf" : "bg-ink-soft")}
          style={{ width: `max(${(share * 100).toFixed(2)}%, 2px)` }}
        />
      </span>
      <span className="w-20 shrink-0 text-right text-ink-soft tabular-nums">{percent(share)}</span>
    </span>
  );
}

/** Marks of the format are never written, and an answer that is empty is none. */
function canChoose({ text, isChosen }: Alternative, hasWordsBefore: boolean): boolean {
  const kind = tokenKind(text);
  return !isChosen && kind !== "mark" && (kind !== "end" || hasWordsBefore);
}

function choiceName({ text, share }: Alternative): string {
  const likely = percent(share);
  // Holds the words that are shown, for who speaks to the page.
  if (tokenKind(text) === "end") return `Make this the ${spelled(text)}, ${likely}`;
  return `Go on with “${spoken(text)}”, ${likely}`;
}
