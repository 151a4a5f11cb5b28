"use client";

import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { IconButton } from "@/components/ui/icon-button";
import { copyText } from "@/lib/clipboard";
import { showToast } from "@/lib/toasts";

const CONFIRMED_MS = 2_000;

interface CopyButtonProps {
  /** What it copies, as in "Copy answer". */
  readonly what: string;
  readonly text: () => string;
  readonly className?: string;
}

export function CopyButton({ what, text, className }: CopyButtonProps) {
  const [isCopied, setIsCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setIsCopied(false), CONFIRMED_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);

  async function copy(): Promise<void> {
    const didCopy = await copyText(text());
    setIsCopied(didCopy);
    if (!didCopy) showToast({ text: "Copying is not possible here.", isUrgent: true });
  }

  return (
    <>
      <IconButton
        isSmall
        label={isCopied ? "Copied" : `Copy ${what}`}
        onClick={() => void copy()}
        className={className}
        data-testid="copy"
      >
        {isCopied ? <Check className="text-leaf" /> : <Copy />}
      </IconButton>
      <span role="status" className="sr-only">
        {isCopied && "Copied"}
      </span>
    </>
  );
}
