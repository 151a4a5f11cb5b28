import { memo } from "react";
import { likelihoodWords, percent, spoken, type TintLevel, tintLevel } from "@/lib/chat/glass";
import { cn } from "@/lib/cn";

const TINTS: Record<TintLevel, string> = {
  0: "",
  1: "bg-glass-1",
  2: "bg-glass-2",
  3: "bg-glass-3",
  4: "bg-glass-4",
};

interface GlassTokenProps {
  readonly text: string;
  readonly start: number;
  readonly share: number;
  readonly isTabStop: boolean;
  readonly isShown: boolean;
}

/** A token, tinted; the blanks before a word stay as they are, so that words stay apart. */
export const GlassToken = memo(function GlassToken(props: GlassTokenProps) {
  const { text, start, share, isTabStop, isShown } = props;
  const word = text.trimStart();
  const blanks = word === "" ? "" : text.slice(0, text.length - word.length);
  const level = tintLevel(share);
  return (
    <>
      {blanks}
      <span
        role="option"
        aria-selected={isShown}
        aria-label={`${spoken(text)}, ${percent(share)}, ${likelihoodWords(share)}`}
        tabIndex={isTabStop ? 0 : -1}
        data-start={start}
        data-level={level}
        className={cn(
          "cursor-pointer rounded-[0.25em] box-decoration-clone py-0.5 outline-offset-1 hover:bg-hover",
          TINTS[level],
          isShown && "ring-2 ring-leaf",
        )}
      >
        {word === "" ? text : word}
      </span>
    </>
  );
});
