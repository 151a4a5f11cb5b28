import type { Answer, ApiClient } from "./client";
import { nextLink, nextPagePath } from "./link-header";
import type { Schema, SchemaName } from "./types";
import { FINISH_REASONS, type FinishReason } from "@/lib/chat/finish";
import { type Notice, parseNotice } from "@/lib/chat/notice";
import { parseParams, type SamplingParams } from "@/lib/chat/params";
import {
  asArray,
  asObject,
  type JsonObject,
  optionalBoolean,
  optionalInteger,
  optionalNumber,
  optionalString,
  readInteger,
  readOneOf,
  readString,
} from "@/lib/parse";

/** The server's limit. */
export const TITLE_MAX_CHARS = 120;

export interface ConversationSummary {
  readonly id: number;
  readonly title: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly isPinned: boolean;
  readonly isArchived: boolean;
}

export interface ConversationPage {
  readonly items: readonly ConversationSummary[];
  /** Where the next page is, or null on the last one. */
  readonly next: string | null;
}

export const GENERATION_STATUSES = [
  "queued",
  "running",
  "completed",
  "cancelled",
  "failed",
] as const;
export type GenerationStatus = (typeof GENERATION_STATUSES)[number];

export interface Timings {
  readonly queuedS: number | null;
  readonly ttftS: number | null;
  readonly totalS: number | null;
  readonly tokensPerS: number | null;
}

export interface GenerationSummary {
  readonly id: string;
  readonly status: GenerationStatus;
  readonly finishReason: FinishReason | null;
  readonly errorCode: string | null;
  readonly contextTrimmed: number;
  readonly model: string | null;
  readonly params: SamplingParams;
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  readonly timings: Timings | null;
  readonly hasTrace: boolean;
  /** So many of its first tokens were given, not drawn; null where it goes on from a bare text. */
  readonly begunTokens: number | null;
}

/** A message's place among those that follow the same one: number `index` of `count`, from 1. */
export interface Siblings {
  readonly index: number;
  readonly count: number;
  readonly previous: number | null;
  readonly next: number | null;
}

export interface Feedback {
  readonly rating: "up" | "down";
  readonly comment: string;
}

export interface StoredMessage {
  readonly id: number;
  readonly role: "user" | "assistant";
  readonly content: string;
  readonly createdAt: string | null;
  readonly parent: number | null;
  readonly siblings: Siblings | null;
  readonly feedback: Feedback | null;
  readonly isReported: boolean;
  /** Of a safety rule whose text stands in the place of the reply. */
  readonly notice: Notice | null;
  /** By a moderator: its words are not told. */
  readonly isHidden: boolean;
  readonly generation: GenerationSummary | null;
}

/** Newest messages of the shown branch, or those above one of them; oldest first. */
export interface MessagePage {
  readonly messages: readonly StoredMessage[];
  readonly hasOlder: boolean;
}

export interface ConversationDetail extends ConversationSummary, MessagePage {}

export interface Turn {
  readonly role: "user" | "assistant";
  readonly content: string;
}

/** A guest's chat for a new account; `generation` is its last reply, perhaps still being written. */
export interface KeepRequest {
  readonly turns: readonly Turn[];
  readonly generation?: string;
  /** Makes asking twice harmless. */
  readonly client_id: string;
}

const FIRST_PAGE = "/api/conversations?limit=30";

export async function listConversations(
  api: ApiClient,
  page: string | null,
  signal?: AbortSignal,
): Promise<ConversationPage> {
  const { body, headers } = await api.request("GET", page ?? FIRST_PAGE, { signal });
  return { items: asArray(body).map(parseSummary), next: nextPagePath(headers) };
}

const MESSAGES_LIMIT = 100;

/** The newest messages of the shown branch, or those right above the message `before`. */
export async function getConversation(
  api: ApiClient,
  id: number,
  before: number | null = null,
): Promise<ConversationDetail> {
  const above = before === null ? "" : `&before=${before}`;
  const path = `/api/conversations/${id}?limit=${MESSAGES_LIMIT}${above}`;
  return parseDetail(await api.request("GET", path));
}

/** Shows the branch of a message, down to its newest leaf. */
export async function showBranch(api: ApiClient, id: number, message: number): Promise<void> {
  await api.request("PATCH", `/api/conversations/${id}`, { body: { head: message } });
}

/** Makes a guest's chat a conversation of the account that is signed in. */
export async function keepConversation(
  api: ApiClient,
  chat: KeepRequest,
): Promise<ConversationDetail> {
  return parseDetail(await api.request("POST", "/api/conversations/keep", { body: chat }));
}

export function parseSummary(value: unknown): ConversationSummary {
  const object = raw<"ConversationOutput">(value);
  return {
    id: readInteger(object, "id"),
    title: readString(object, "title"),
    createdAt: readString(object, "created_at"),
    updatedAt: readString(object, "updated_at"),
    isPinned: optionalBoolean(object, "pinned"),
    isArchived: optionalBoolean(object, "archived"),
  };
}

/** An unread body with the keys that the route's schema names. */
type Raw<Name extends SchemaName> = { readonly [Key in keyof Schema<Name>]: unknown };
const raw = <Name extends SchemaName>(value: unknown) => asObject(value) as unknown as Raw<Name>;

function parseDetail({ body, headers }: Answer): ConversationDetail {
  const object = raw<"ConversationDetailOutput">(body);
  return {
    ...parseSummary(object),
    messages: asArray(object.messages).map(parseMessage),
    hasOlder: nextLink(headers.get("Link")) !== null,
  };
}

function parseMessage(value: unknown): StoredMessage {
  const object = raw<"BranchMessageOutput">(value);
  return {
    id: readInteger(object, "id"),
    role: readOneOf(object, "role", ["user", "assistant"]),
    content: readString(object, "content"),
    createdAt: optionalString(object, "created_at"),
    parent: optionalInteger(object, "parent"),
    siblings: object.siblings ? parseSiblings(raw<"SiblingsOutput">(object.siblings)) : null,
    feedback: object.feedback ? parseFeedback(raw<"FeedbackOutput">(object.feedback)) : null,
    isReported: optionalBoolean(object, "is_reported"),
    notice: parseNotice(object.notice),
    isHidden: optionalBoolean(object, "is_hidden"),
    generation: object.generation ? parseGeneration(raw<"GenerationBrief">(object.generation)) : null,
  };
}

function parseSiblings(object: Raw<"SiblingsOutput">): Siblings {
  return {
    index: readInteger(object, "index"),
    count: readInteger(object, "count"),
    previous: optionalInteger(object, "previous"),
    next: optionalInteger(object, "next"),
  };
}

function parseFeedback(object: Raw<"FeedbackOutput">): Feedback {
  return {
    rating: readOneOf(object, "rating", ["up", "down"]),
    comment: optionalString(object, "comment") ?? "",
  };
}

function parseGeneration(object: Raw<"GenerationBrief">): GenerationSummary {
  return {
    id: readString(object, "id"),
    status: readOneOf(object, "status", GENERATION_STATUSES),
    // An empty string until the end.
    finishReason: FINISH_REASONS.find((reason) => reason === object.finish_reason) ?? null,
    errorCode: optionalString(object, "error_code"),
    contextTrimmed: optionalInteger(object, "context_trimmed") ?? 0,
    model: optionalString(object, "model") || null,
    params: parseParams(object.params),
    promptTokens: optionalInteger(object, "prompt_tokens"),
    completionTokens: optionalInteger(object, "completion_tokens"),
    timings: object.timings ? parseTimings(asObject(object.timings)) : null,
    hasTrace: optionalBoolean(object, "has_trace"),
    begunTokens: object.begun_tokens === null ? null : (optionalInteger(object, "begun_tokens") ?? 0),
  };
}

export function parseTimings(object: JsonObject): Timings {
  return {
    queuedS: optionalNumber(object, "queued_s"),
    ttftS: optionalNumber(object, "ttft_s"),
    totalS: optionalNumber(object, "total_s"),
    tokensPerS: optionalNumber(object, "tokens_per_s"),
  };
}
