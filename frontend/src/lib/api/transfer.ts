/** Conversations out to files and back in. */
import type { ApiClient, Download } from "./client";
import { type ConversationSummary, parseSummary } from "./conversations";

export const FILE_FORMATS = ["json", "md", "txt"] as const;
export type FileFormat = (typeof FILE_FORMATS)[number];

/** The server reads no larger document. */
export const IMPORT_MAX_BYTES = 8 * 1024 * 1024;

export async function exportConversation(
  api: ApiClient,
  id: number,
  format: FileFormat,
  signal?: AbortSignal,
): Promise<Download> {
  return api.download(`/api/conversations/${id}/export?format=${format}`, signal);
}

/** Importing the same document again gives the conversation that is there already. */
export async function importConversation(
  api: ApiClient,
  document: string,
  signal?: AbortSignal,
): Promise<ConversationSummary> {
  const options = { text: document, signal };
  const { body } = await api.request("POST", "/api/conversations/import", options);
  return parseSummary(body);
}
