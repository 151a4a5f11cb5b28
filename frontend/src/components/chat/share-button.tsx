"use client";

import { Share } from "lucide-react";
import dynamic from "next/dynamic";
import { useState } from "react";
import { IconButton } from "@/components/ui/icon-button";
import { patiently } from "@/lib/patiently";

const ShareDialog = dynamic(
  () => patiently(async () => (await import("@/components/share/share-dialog")).ShareDialog),
  { ssr: false },
);

interface ShareButtonProps {
  readonly conversation: number;
  readonly title: string;
}

export function ShareButton({ conversation, title }: ShareButtonProps) {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <>
      <IconButton
        label="Share"
        side="bottom"
        onClick={() => setIsOpen(true)}
        data-testid="share"
      >
        <Share className="size-5" />
      </IconButton>
      {isOpen && (
        <ShareDialog conversation={{ id: conversation, title }} onClose={() => setIsOpen(false)} />
      )}
    </>
  );
}
