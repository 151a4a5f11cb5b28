/**
 * What the page knows about its conversations. Plain data: the reducer makes it, selectors read it,
 * and no React, socket or clock comes near.
 */
import type { FinishReason } from "./events";
import type { Failure } from "@/lib/failure";

export type ReplyStatus =
  /** On its way: the server has not accepted the prompt yet. */
  "sending" | "queued" | "running" | "completed" | "cancelled" | "failed";

export interface QueuePlace {
  readonly position: number;
  readonly etaS: number | null;
}

/** The life of one assistant message that is, or recently was, being written. */
export interface Reply {
  readonly status: ReplyStatus;
  readonly transcript: TranscriptKey;
  /** What was asked, kept for sending again. */
  readonly prompt: string;
  /** Makes sending the same prompt twice harmless; null when another page sent it. */
  readonly clientId: string | null;
  readonly generation: string | null;
  /** The tokens 0 … nextSeq − 1 joined; after the end, the final text. */
  readonly text: string;
  readonly nextSeq: number;
  /** Id of the last stream entry applied, to resume after; null before the first. */
  readonly cursor: string | null;
  /** Tokens between `nextSeq` and what just arrived are missing; a resume brings them. */
  readonly hasGap: boolean;
  /** Text the database held when the conversation was loaded, shown until the stream passes it. */
  readonly snapshot: string;
  readonly queue: QueuePlace | null;
  readonly contextTrimmed: number;
  readonly isStopping: boolean;
  readonly finishReason: FinishReason | null;
  readonly failure: Failure | null;
}

export interface Message {
  /** Stable for React while ids are still unknown. */
  readonly key: string;
  readonly role: "user" | "assistant";
  readonly id: number | null;
  /** For an assistant message with a Reply, the Reply holds the text. */
  readonly text: string;
}

/** `c:<id>` for a stored conversation, `draft:<n>` for one that has no id (yet, or as a guest). */
export type TranscriptKey = string;

export interface Transcript {
  readonly messages: readonly Message[];
  readonly load: "loading" | "ready" | "failed";
  readonly failure: Failure | null;
  /** Changed in another tab since it was loaded. */
  readonly isStale: boolean;
}

export interface ChatState {
  readonly transcripts: Readonly<Record<TranscriptKey, Transcript>>;
  /** By message key; messages that are simply complete have none. */
  readonly replies: Readonly<Record<string, Reply>>;
  /** Message key by generation id, and by the client id of a prompt. */
  readonly byGeneration: Readonly<Record<string, string>>;
  readonly byClientId: Readonly<Record<string, string>>;
  /** The transcript shown where no conversation is chosen. */
  readonly draft: TranscriptKey;
  readonly draftCount: number;
  /** An error that belongs to no message. */
  readonly notice: Failure | null;
}

export const EMPTY_TRANSCRIPT: Transcript = {
  messages: [],
  load: "ready",
  failure: null,
  isStale: false,
};

export const INITIAL_STATE: ChatState = {
  transcripts: {},
  replies: {},
  byGeneration: {},
  byClientId: {},
  draft: "draft:0",
  draftCount: 0,
  notice: null,
};

export const NEW_REPLY: Omit<Reply, "transcript" | "prompt"> = {
  status: "sending",
  clientId: null,
  generation: null,
  text: "",
  nextSeq: 0,
  cursor: null,
  hasGap: false,
  snapshot: "",
  queue: null,
  contextTrimmed: 0,
  isStopping: false,
  finishReason: null,
  failure: null,
};

export function conversationKey(id: number): TranscriptKey {
  return `c:${id}`;
}

/** The conversation's id, or null for a draft. */
export function conversationOf(key: TranscriptKey): number | null {
  return key.startsWith("c:") ? Number(key.slice(2)) : null;
}

export function isSettled(reply: Reply): boolean {
  return reply.status === "completed" || reply.status === "cancelled" || reply.status === "failed";
}
