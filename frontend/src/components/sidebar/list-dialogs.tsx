"use client";

import dynamic from "next/dynamic";
import type { ConversationSummary } from "@/lib/api/conversations";
import { patiently } from "@/lib/patiently";

export type ListDialog =
  | { readonly kind: "share"; readonly item: ConversationSummary }
  | { readonly kind: "export"; readonly items: readonly ConversationSummary[] };

const ShareDialog = dynamic(
  () => patiently(async () => (await import("@/components/share/share-dialog")).ShareDialog),
  { ssr: false },
);
const ExportDialog = dynamic(
  () => patiently(async () => (await import("./export-dialog")).ExportDialog),
  { ssr: false },
);

interface ListDialogsProps {
  readonly dialog: ListDialog | null;
  readonly onClose: () => void;
}

export function ListDialogs({ dialog, onClose }: ListDialogsProps) {
  if (dialog === null) return null;
  if (dialog.kind === "share") return <ShareDialog conversation={dialog.item} onClose={onClose} />;
  return <ExportDialog items={dialog.items} onClose={onClose} />;
}
