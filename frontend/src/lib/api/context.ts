/** The context meter: what the model would see if a draft were sent now, in tokens. */
import type { ApiClient } from "./client";
import type { RequestBody } from "./types";
import type { HistoryTurn } from "@/lib/chat/events";
import {
  asArray,
  asObject,
  optionalBoolean,
  optionalInteger,
  readInteger,
  readString,
} from "@/lib/parse";

export interface MessageTokens {
  /** Of the message, or its place in a history that is not stored. */
  readonly id: number;
  /** Null where it was not counted: far outside the window, or not sent. */
  readonly tokens: number | null;
  readonly isInside: boolean;
}

export interface DraftTokens {
  readonly tokens: number;
  /** Beyond it a message is refused. */
  readonly limit: number;
  readonly fits: boolean;
}

export interface ContextUsage {
  readonly model: string;
  /** The whole window. */
  readonly limit: number;
  /** Kept free for the reply. */
  readonly reserved: number;
  /** The messages inside, the draft, and the marks between them. */
  readonly total: number;
  readonly draft: DraftTokens;
  /** The newest, oldest first; what is not named is outside. */
  readonly messages: readonly MessageTokens[];
}

export interface Draft {
  readonly text: string;
  /** The longest reply that is wanted; null leaves it to the server. */
  readonly maxTokens: number | null;
}

/** Of a stored conversation. */
export async function storedContext(
  api: ApiClient,
  conversation: number,
  draft: Draft,
  signal?: AbortSignal,
): Promise<ContextUsage> {
  const path = `/api/conversations/${conversation}/context`;
  const { body } = await api.request("POST", path, { body: draftBody(draft), signal });
  return parseUsage(body);
}

/** Of a chat that the server does not have: a guest's, a temporary one, or one not begun yet. */
export async function unstoredContext(
  api: ApiClient,
  history: readonly HistoryTurn[],
  draft: Draft,
  signal?: AbortSignal,
): Promise<ContextUsage> {
  const body: RequestBody<"/api/chat/context", "post"> = {
    ...draftBody(draft),
    history: [...history],
  };
  return parseUsage((await api.request("POST", "/api/chat/context", { body, signal })).body);
}

function draftBody({ text, maxTokens }: Draft) {
  return { draft: text, ...(maxTokens === null ? {} : { max_tokens: maxTokens }) };
}

function parseUsage(value: unknown): ContextUsage {
  const object = asObject(value);
  const draft = asObject(object.draft);
  return {
    model: readString(object, "model"),
    limit: readInteger(object, "limit"),
    reserved: readInteger(object, "reserved"),
    total: readInteger(object, "total"),
    draft: {
      tokens: readInteger(draft, "tokens"),
      limit: readInteger(draft, "limit"),
      fits: optionalBoolean(draft, "fits"),
    },
    messages: asArray(object.messages).map((message) => {
      const counted = asObject(message);
      return {
        id: readInteger(counted, "id"),
        tokens: optionalInteger(counted, "tokens"),
        isInside: optionalBoolean(counted, "is_inside"),
      };
    }),
  };
}
