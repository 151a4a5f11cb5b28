/**
 * What the page knows about its conversations. Plain data: the reducer makes it, selectors read it,
 * and no React, socket or clock comes near.
 */
import type { FinishReason, TokenTrace, Usage } from "./events";
import type { Notice } from "./notice";
import type { SamplingParams } from "./params";
import type {
  Feedback,
  GenerationStatus,
  Siblings,
  StoredMessage,
  Timings,
} from "@/lib/api/conversations";
import type { Failure } from "@/lib/failure";

export type { Feedback, Siblings, Timings, TokenTrace, Usage };

export type ReplyStatus =
  /** On its way: the server has not accepted it yet. */
  "sending" | "queued" | "running" | "completed" | "cancelled" | "failed";

export interface QueuePlace {
  readonly position: number;
  readonly etaS: number | null;
}

/** What was asked of the server, enough to ask again after a lost connection. */
export type Asked =
  | { readonly type: "prompt" }
  | { readonly type: "regenerate" | "continue"; readonly message: number }
  | { readonly type: "edit"; readonly message: number }
  | { readonly type: "branch"; readonly message: number; readonly at: number; readonly token: number };

/** The life of one assistant message that is, or recently was, being written. */
export interface Reply {
  readonly status: ReplyStatus;
  readonly transcript: TranscriptKey;
  readonly asked: Asked;
  /** The user's words that it answers, kept for sending again. */
  readonly prompt: string;
  /** As they were sent; null leaves the choice to the server. */
  readonly params: SamplingParams | null;
  /** Makes sending the same request twice harmless; null when another page sent it. */
  readonly clientId: string | null;
  /** The branch that this one stands in place of, until the next load. */
  readonly replaced: readonly Message[];
  readonly generation: string | null;
  readonly model: string | null;
  readonly seed: number | null;
  /** The tokens 0 … nextSeq − 1 joined; after the end, the final text. */
  readonly text: string;
  readonly nextSeq: number;
  /** What `text` is made of, where logprobs were asked; bounded. */
  readonly tokens: readonly TokenTrace[];
  /** Id of the last stream entry applied, to resume after; null before the first. */
  readonly cursor: string | null;
  /** Tokens between `nextSeq` and what just arrived are missing; a resume brings them. */
  readonly hasGap: boolean;
  /** Text known before the stream tells it, shown until the stream passes it. */
  readonly snapshot: string;
  readonly queue: QueuePlace | null;
  readonly contextTrimmed: number;
  readonly isStopping: boolean;
  readonly finishReason: FinishReason | null;
  /** Where a safety rule's text stands in the place of the answer. */
  readonly notice: Notice | null;
  readonly failure: Failure | null;
  /** This page's clock (`performance.now()`), ms; null where another page asked. */
  readonly sentAt: number | null;
  readonly firstTokenAt: number | null;
  /** The server's account, with the end. */
  readonly usage: Usage | null;
  readonly timings: Timings | null;
}

/** How a stored reply came about. */
export interface ReplyDetails {
  readonly generation: string;
  readonly model: string | null;
  /** The seed among them is the one really used. */
  readonly params: SamplingParams;
  readonly seed: number | null;
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  readonly timings: Timings | null;
  readonly hasTrace: boolean;
  /** So many of its first tokens were given, not drawn; null where nobody knows how many. */
  readonly begunTokens: number | null;
  readonly status: GenerationStatus;
  readonly finishReason: FinishReason | null;
}

export interface Message {
  /** Stable for React while ids are still unknown. */
  readonly key: string;
  readonly role: "user" | "assistant";
  readonly id: number | null;
  /** For an assistant message with a Reply, the Reply holds the text. */
  readonly text: string;
  readonly createdAt: string | null;
  /** Its place among the messages that follow the same one; null where nothing is stored. */
  readonly siblings: Siblings | null;
  readonly feedback: Feedback | null;
  readonly isReported: boolean;
  /** By a moderator: there is no text. */
  readonly isHidden: boolean;
  /** Of a stored assistant message; `detailsOf` also knows what only the stream has told. */
  readonly details: ReplyDetails | null;
  readonly notice: Notice | null;
}

/** `c:<id>` for a stored conversation, `draft:<n>` for one that has no id (yet, or as a guest). */
export type TranscriptKey = string;

export interface Transcript {
  readonly messages: readonly Message[];
  readonly load: "loading" | "ready" | "failed";
  readonly failure: Failure | null;
  /** Changed since it was loaded, here or elsewhere. */
  readonly isStale: boolean;
  /** The branch goes on above the first message; `loadOlder` brings it. */
  readonly hasOlder: boolean;
  readonly isLoadingOlder: boolean;
  readonly olderFailure: Failure | null;
  /** A member's chat of which nothing is stored. */
  readonly isTemporary: boolean;
  /** A guest's chat that could not be moved to the new account; `retryKeep` tries again. */
  readonly unkept: Failure | null;
  /** Replies asked or accepted since the last load began, which it may not know of. */
  readonly recent: readonly string[];
}

/** An edited text that the server refused, to go back into the editor of `key`. */
export interface RefusedEdit {
  readonly key: string;
  readonly text: string;
}

/** What holds a prompt back: what it says, what was said before it, or that its chat is gone. */
export type RefusedFor = "prompt" | "earlier" | "gone";

/** A prompt that was not taken, to go back into the message field of its chat. */
export interface RefusedPrompt {
  readonly transcript: TranscriptKey;
  readonly text: string;
  readonly notice: Notice;
  readonly about: RefusedFor;
}

export interface ChatState {
  readonly transcripts: Readonly<Record<TranscriptKey, Transcript>>;
  /** By message key; messages that are simply complete have none. */
  readonly replies: Readonly<Record<string, Reply>>;
  /** Message key by generation id, and by the client id of a request. */
  readonly byGeneration: Readonly<Record<string, string>>;
  readonly byClientId: Readonly<Record<string, string>>;
  /** The transcript shown where no conversation is chosen. */
  readonly draft: TranscriptKey;
  readonly draftCount: number;
  /** An error that belongs to no message. */
  readonly notice: Failure | null;
  readonly refusedEdit: RefusedEdit | null;
  readonly refusedPrompt: RefusedPrompt | null;
}

export const EMPTY_TRANSCRIPT: Transcript = {
  messages: [],
  load: "ready",
  failure: null,
  isStale: false,
  hasOlder: false,
  isLoadingOlder: false,
  olderFailure: null,
  isTemporary: false,
  unkept: null,
  recent: [],
};

export const INITIAL_STATE: ChatState = {
  transcripts: {},
  replies: {},
  byGeneration: {},
  byClientId: {},
  draft: "draft:0",
  draftCount: 0,
  notice: null,
  refusedEdit: null,
  refusedPrompt: null,
};

export const NEW_REPLY: Omit<Reply, "transcript" | "prompt"> = {
  status: "sending",
  asked: { type: "prompt" },
  params: null,
  clientId: null,
  replaced: [],
  generation: null,
  model: null,
  seed: null,
  text: "",
  nextSeq: 0,
  tokens: [],
  cursor: null,
  hasGap: false,
  snapshot: "",
  queue: null,
  contextTrimmed: 0,
  isStopping: false,
  finishReason: null,
  notice: null,
  failure: null,
  sentAt: null,
  firstTokenAt: null,
  usage: null,
  timings: null,
};

/** A message that this page alone has. */
export function localMessage(key: string, role: Message["role"], text: string): Message {
  return {
    key,
    role,
    id: null,
    text,
    createdAt: null,
    siblings: null,
    feedback: null,
    isReported: false,
    isHidden: false,
    details: null,
    notice: null,
  };
}

export function messageFromStored(stored: StoredMessage, key: string): Message {
  const { generation } = stored;
  return {
    key,
    role: stored.role,
    id: stored.id,
    text: stored.content,
    createdAt: stored.createdAt,
    siblings: stored.siblings,
    feedback: stored.feedback,
    isReported: stored.isReported,
    notice: stored.notice,
    isHidden: stored.isHidden,
    details: generation && {
      generation: generation.id,
      model: generation.model,
      params: generation.params,
      seed: generation.params.seed ?? null,
      promptTokens: generation.promptTokens,
      completionTokens: generation.completionTokens,
      timings: generation.timings,
      hasTrace: generation.hasTrace,
      begunTokens: generation.begunTokens,
      status: generation.status,
      finishReason: generation.finishReason,
    },
  };
}

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
