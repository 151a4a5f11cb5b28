"use client";

import { lazy, Suspense } from "react";
import { Caret } from "./caret";
import { PlainText } from "./plain-text";
import { hasMarks } from "@/lib/markdown";
import { patiently } from "@/lib/patiently";

/** Most answers are plain sentences; who gets one with marks loads the rest. */
const MarkdownBody = lazy(async () => {
  const { MarkdownBody } = await patiently(() => import("./markdown/markdown-body"));
  return { default: MarkdownBody };
});

interface MessageTextProps {
  readonly text: string;
  /** It is still growing. */
  readonly isLive: boolean;
}

/** The text of an answer; until the code for Markdown is there, the text as it is. */
export function MessageText({ text, isLive }: MessageTextProps) {
  const plain = <PlainText text={text} tail={isLive && <Caret />} />;
  if (!hasMarks(text)) return plain;
  return (
    <Suspense fallback={plain}>
      <MarkdownBody text={text} isLive={isLive} />
    </Suspense>
  );
}
