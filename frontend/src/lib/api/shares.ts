/** Shares: copies of a conversation that anybody with the link can read. */
import type { ApiClient } from "./client";
import {
  asArray,
  asObject,
  optionalBoolean,
  optionalInteger,
  optionalString,
  readOneOf,
  readString,
} from "@/lib/parse";
import { type Notice, parseNotice } from "@/lib/chat/notice";

export interface Share {
  readonly slug: string;
  readonly createdAt: string;
  /** Null: until it is revoked. */
  readonly expiresAt: string | null;
}

export interface SharedMessage {
  readonly role: "user" | "assistant";
  readonly content: string;
  /** By a moderator, since it was shared. */
  readonly isHidden: boolean;
  readonly createdAt: string;
  /** Which model wrote it; null for people. */
  readonly model: string | null;
  /** Of a safety rule whose text stands in the place of the reply. */
  readonly notice: Notice | null;
}

export interface SharedConversation {
  readonly title: string;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  /** How many older messages are not in the copy. */
  readonly omitted: number;
  readonly messages: readonly SharedMessage[];
}

export async function listShares(
  api: ApiClient,
  conversation: number,
  signal?: AbortSignal,
): Promise<readonly Share[]> {
  const { body } = await api.request("GET", pathOf(conversation), { signal });
  return asArray(body).map(parseShare);
}

export async function createShare(
  api: ApiClient,
  conversation: number,
  expiresInDays: number | null,
): Promise<Share> {
  const options = { body: { expires_in_days: expiresInDays } };
  const { body } = await api.request("POST", pathOf(conversation), options);
  return parseShare(body);
}

export async function revokeShare(
  api: ApiClient,
  conversation: number,
  slug: string,
): Promise<void> {
  await api.request("DELETE", `${pathOf(conversation)}/${encodeURIComponent(slug)}`);
}

export async function revokeAllShares(api: ApiClient, conversation: number): Promise<void> {
  await api.request("DELETE", pathOf(conversation));
}

/** Needs no account. */
export async function readShared(
  api: ApiClient,
  slug: string,
  signal?: AbortSignal,
): Promise<SharedConversation> {
  const { body } = await api.request("GET", `/api/shared/${encodeURIComponent(slug)}`, { signal });
  const object = asObject(body);
  return {
    title: readString(object, "title"),
    createdAt: readString(object, "created_at"),
    expiresAt: optionalString(object, "expires_at"),
    omitted: optionalInteger(object, "omitted") ?? 0,
    messages: asArray(object.messages).map(parseSharedMessage),
  };
}

/** What people are given; the page reads the slug from its address. */
export function shareLink(slug: string, origin: string = location.origin): string {
  return `${origin}/shared/?s=${encodeURIComponent(slug)}`;
}

function pathOf(conversation: number): string {
  return `/api/conversations/${conversation}/share`;
}

function parseShare(value: unknown): Share {
  const object = asObject(value);
  return {
    slug: readString(object, "slug"),
    createdAt: readString(object, "created_at"),
    expiresAt: optionalString(object, "expires_at"),
  };
}

function parseSharedMessage(value: unknown): SharedMessage {
  const object = asObject(value);
  return {
    role: readOneOf(object, "role", ["user", "assistant"]),
    content: readString(object, "content"),
    isHidden: optionalBoolean(object, "is_hidden"),
    createdAt: readString(object, "created_at"),
    model: optionalString(object, "model") || null,
    notice: parseNotice(object.notice),
  };
}
