/** What a safety rule tells the reader: with a reply that it replaced, or for a prompt it refused. */
import { asObject, readString } from "@/lib/parse";

export interface Notice {
  readonly category: string;
  readonly text: string;
}

/** Null for what is not there. */
export function parseNotice(value: unknown): Notice | null {
  if (!value) return null;
  const object = asObject(value);
  return { category: readString(object, "category"), text: readString(object, "text") };
}

/** Told here, not by a rule: a moderator has hidden the chat, or it was deleted elsewhere. */
export const GONE: Notice = {
  category: "other",
  text: "It was deleted or hidden. Your message was not sent, and waits in the message field.",
};

/** The notice of an error `refused`; null for other errors. */
export function noticeOfRefusal(code: string, data: Readonly<Record<string, unknown>> = {}): Notice | null {
  const { category, notice } = data;
  if (code !== "refused" || typeof category !== "string" || typeof notice !== "string") return null;
  return { category, text: notice };
}
