import type { ApiClient } from "./client";
import { nextLink } from "./link-header";
import {
  asArray,
  asObject,
  type JsonObject,
  optionalBoolean,
  optionalInteger,
  optionalString,
  readInteger,
  readOneOf,
  readString,
} from "@/lib/parse";

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

export interface GenerationSummary {
  readonly id: string;
  readonly status: GenerationStatus;
  readonly finishReason: string | null;
  readonly errorCode: string | null;
  readonly contextTrimmed: number;
}

export interface StoredMessage {
  readonly id: number;
  readonly role: "user" | "assistant";
  readonly content: string;
  readonly parent: number | null;
  readonly generation: GenerationSummary | null;
}

export interface ConversationDetail extends ConversationSummary {
  readonly messages: readonly StoredMessage[];
}

const FIRST_PAGE = "/api/conversations?limit=30";

export async function listConversations(
  api: ApiClient,
  page: string | null,
  signal?: AbortSignal,
): Promise<ConversationPage> {
  const { body, headers } = await api.request("GET", page ?? FIRST_PAGE, { signal });
  const next = nextLink(headers.get("Link"));
  return { items: asArray(body).map(parseSummary), next: next && pathOf(next) };
}

export async function getConversation(api: ApiClient, id: number): Promise<ConversationDetail> {
  const { body } = await api.request("GET", `/api/conversations/${id}`);
  const object = asObject(body);
  const messages = asArray(object.messages).map(parseMessage);
  const head = optionalInteger(object, "head");
  return { ...parseSummary(object), messages: currentBranch(messages, head) };
}

export async function renameConversation(
  api: ApiClient,
  id: number,
  title: string,
): Promise<ConversationSummary> {
  const { body } = await api.request("PATCH", `/api/conversations/${id}`, { body: { title } });
  return parseSummary(body);
}

export async function deleteConversation(api: ApiClient, id: number): Promise<void> {
  await api.request("DELETE", `/api/conversations/${id}`);
}

export function parseSummary(value: unknown): ConversationSummary {
  const object = asObject(value);
  return {
    id: readInteger(object, "id"),
    title: readString(object, "title"),
    createdAt: readString(object, "created_at"),
    updatedAt: readString(object, "updated_at"),
    isPinned: optionalBoolean(object, "pinned"),
    isArchived: optionalBoolean(object, "archived"),
  };
}

function parseMessage(value: unknown): StoredMessage {
  const object = asObject(value);
  return {
    id: readInteger(object, "id"),
    role: readOneOf(object, "role", ["user", "assistant"]),
    content: readString(object, "content"),
    parent: optionalInteger(object, "parent"),
    generation: object.generation ? parseGeneration(asObject(object.generation)) : null,
  };
}

function parseGeneration(object: JsonObject): GenerationSummary {
  return {
    id: readString(object, "id"),
    status: readOneOf(object, "status", GENERATION_STATUSES),
    finishReason: optionalString(object, "finish_reason"),
    errorCode: optionalString(object, "error_code"),
    contextTrimmed: optionalInteger(object, "context_trimmed") ?? 0,
  };
}

/**
 * Messages form a tree by `parent`. The shown branch is the way up from the current leaf, which is
 * the conversation's head, or the newest message where no head is named.
 */
export function currentBranch(
  messages: readonly StoredMessage[],
  head: number | null,
): readonly StoredMessage[] {
  const byId = new Map(messages.map((message) => [message.id, message]));
  const branch: StoredMessage[] = [];
  let leaf = (head === null ? undefined : byId.get(head)) ?? messages.at(-1);
  while (leaf !== undefined) {
    branch.push(leaf);
    byId.delete(leaf.id);
    leaf = leaf.parent === null ? undefined : byId.get(leaf.parent);
  }
  return branch.reverse();
}

/** The API may name itself by another host (behind a proxy); only path and query are ours to use. */
function pathOf(link: string): string {
  const url = new URL(link, "http://api.invalid");
  return url.pathname + url.search;
}
