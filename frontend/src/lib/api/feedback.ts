/** What a member says of a reply. */
import type { ApiClient } from "./client";
import type { Feedback } from "./conversations";
import type { RequestBody } from "./types";

export const COMMENT_MAX_CHARS = 2_000;

type ReportBody = RequestBody<"/api/messages/{message_id}/report", "post">;
export type ReportReason = ReportBody["reason"];

/** Null takes it back. */
export async function setFeedback(
  api: ApiClient,
  message: number,
  feedback: Feedback | null,
): Promise<void> {
  const path = `/api/messages/${message}/feedback`;
  if (feedback === null) await api.request("DELETE", path);
  else await api.request("PUT", path, { body: feedback });
}

export async function reportMessage(
  api: ApiClient,
  message: number,
  reason: ReportReason,
  comment: string,
): Promise<void> {
  const body: ReportBody = { reason, comment };
  await api.request("POST", `/api/messages/${message}/report`, { body });
}
