"use client";

import { type ReactNode, useRef } from "react";
import { CopyButton } from "../copy-button";

interface CodeBlockProps {
  readonly language: string | null;
  readonly children: ReactNode;
}

export function CodeBlock({ language, children }: CodeBlockProps) {
  const ref = useRef<HTMLPreElement>(null);
  return (
    <div className="overflow-hidden rounded-xl border bg-sunken" dir="ltr">
      <div className="flex items-center justify-between border-b py-0.5 pr-1 pl-4 text-xs text-ink-soft">
        <span className="truncate">{language ?? "Code"}</span>
        <CopyButton what="code" text={() => ref.current?.textContent ?? ""} />
      </div>
      <pre
        ref={ref}
        // Reachable by keyboard, since what is cut off can only be seen by scrolling.
        tabIndex={0}
        role="region"
        aria-label={language ? `Code in ${language}` : "Code"}
        className="overflow-x-auto p-4 font-mono text-sm leading-6 whitespace-pre -outline-offset-2"
      >
        {children}
      </pre>
    </div>
  );
}
