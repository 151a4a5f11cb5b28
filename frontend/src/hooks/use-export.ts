"use client";

import { useRef, useState } from "react";
import { useApp } from "./use-app";
import type { ApiClient } from "@/lib/api/client";
import type { ConversationSummary } from "@/lib/api/conversations";
import { toFailure } from "@/lib/api/errors";
import { exportConversation, type FileFormat } from "@/lib/api/transfer";
import { describeFailure } from "@/lib/failure";
import { saveFile } from "@/lib/save-file";
import { showToast } from "@/lib/toasts";

export interface ExportState {
  /** "3 of 12" while several are fetched. */
  readonly progress: string | null;
  /** Whether the file was made. */
  readonly start: (
    items: readonly ConversationSummary[],
    format: FileFormat,
  ) => Promise<boolean>;
}

/** Makes one file of one conversation or of several; JSON has one a line then (`.jsonl`). */
export function useExport(): ExportState {
  const { api } = useApp();
  const isBusy = useRef(false);
  const [progress, setProgress] = useState<string | null>(null);

  async function start(
    items: readonly ConversationSummary[],
    format: FileFormat,
  ): Promise<boolean> {
    if (isBusy.current) return false;
    isBusy.current = true;
    try {
      const [only] = items;
      if (items.length === 1 && only) saveFile(await fetchOne(api, only, format));
      else saveFile(await fetchAll(api, items, format, setProgress));
      return true;
    } catch (error) {
      showToast({ text: `Not exported. ${describeFailure(toFailure(error))}`, isUrgent: true });
      return false;
    } finally {
      isBusy.current = false;
      setProgress(null);
    }
  }

  return { progress, start };
}

interface NamedFile {
  readonly blob: Blob;
  readonly name: string;
}

async function fetchOne(
  api: ApiClient,
  { id }: ConversationSummary,
  format: FileFormat,
): Promise<NamedFile> {
  const { blob, name } = await exportConversation(api, id, format);
  return { blob, name: name ?? `conversation.${format}` };
}

async function fetchAll(
  api: ApiClient,
  items: readonly ConversationSummary[],
  format: FileFormat,
  onProgress: (progress: string) => void,
): Promise<NamedFile> {
  const parts: string[] = [];
  for (const [index, { id }] of items.entries()) {
    onProgress(`${index + 1} of ${items.length}`);
    const text = await (await exportConversation(api, id, format)).blob.text();
    // Between the values of a JSON text line feeds mean nothing; within strings they are escaped.
    parts.push(format === "json" ? text.replaceAll("\n", "") : text.trimEnd());
  }
  const day = new Date().toISOString().slice(0, 10);
  const extension = format === "json" ? "jsonl" : format;
  const text = `${parts.join(SEPARATORS[format])}\n`;
  return { blob: new Blob([text]), name: `eugpt-conversations-${day}.${extension}` };
}

const SEPARATORS: Record<FileFormat, string> = {
  json: "\n",
  md: "\n\n---\n\n",
  txt: `\n\n${"=".repeat(40)}\n\n`,
};
