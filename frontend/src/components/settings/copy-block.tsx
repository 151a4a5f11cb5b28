"use client";

import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { IconButton } from "@/components/ui/icon-button";
import { cn } from "@/lib/cn";
import { copyText } from "@/lib/clipboard";
import { showToast } from "@/lib/toasts";

const SHOWN_MS = 2_000;

interface CopyBlockProps {
  readonly text: string;
  /** What is copied, in words: "the key". */
  readonly what: string;
  /** Long lines break instead of scrolling: all of it is seen. */
  readonly isWrapped?: boolean;
  readonly testId?: string;
}

/** Text to be copied as it is. */
export function CopyBlock({ text, what, isWrapped, testId }: CopyBlockProps) {
  const [isCopied, setIsCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setIsCopied(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);

  async function copy(): Promise<void> {
    if (await copyText(text)) setIsCopied(true);
    else
      showToast({ text: "It could not be copied. Select it and copy it by hand.", isUrgent: true });
  }

  return (
    <div className="flex items-start gap-1 rounded-xl border bg-sunken p-1">
      <pre
        // A region that scrolls can be reached by keyboard.
        tabIndex={0}
        aria-label={what}
        role="region"
        className={cn(
          "min-w-0 flex-1 overflow-x-auto rounded-lg px-2.5 py-2.5 font-mono text-[0.8125rem] leading-relaxed",
          isWrapped && "break-all whitespace-pre-wrap",
        )}
        data-testid={testId}
      >
        {text}
      </pre>
      <IconButton label={isCopied ? "Copied" : `Copy ${what}`} onClick={() => void copy()}>
        {isCopied ? <Check className="size-5 text-leaf" /> : <Copy className="size-5" />}
      </IconButton>
      <span role="status" className="sr-only">
        {isCopied && "Copied"}
      </span>
    </div>
  );
}
