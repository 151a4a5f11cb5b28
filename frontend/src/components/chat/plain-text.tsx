import type { ReactNode } from "react";

interface PlainTextProps {
  readonly text: string;
  /** Stands right behind the last word. */
  readonly tail?: ReactNode;
}

/** Text as it is: blank lines part paragraphs, single line breaks stay, nothing is interpreted. */
export function PlainText({ text, tail }: PlainTextProps) {
  const paragraphs = text.trim().split(/\n\s*\n/);
  return (
    <div className="space-y-3 leading-relaxed wrap-anywhere whitespace-pre-wrap">
      {paragraphs.map((paragraph, index) => (
        <p key={index} dir="auto">
          {paragraph}
          {index === paragraphs.length - 1 && tail}
        </p>
      ))}
    </div>
  );
}
