/**
 * The chat socket's messages, both ways, as tagged unions in the wire's own field names: what the
 * server sends, what is parsed here and what the reducer applies have one shape.
 */
import { FINISH_REASONS, type FinishReason } from "./finish";
import { type Notice, parseNotice } from "./notice";
import type { SamplingParams } from "./params";
import { parseUser, type User } from "@/lib/api/auth";
import { parseTimings, type Timings } from "@/lib/api/conversations";
import {
  asArray,
  asObject,
  type JsonObject,
  optionalInteger,
  optionalNumber,
  optionalString,
  ParseError,
  parseJson,
  readInteger,
  readOneOf,
  readString,
} from "@/lib/parse";

export { FINISH_REASONS, type FinishReason };

export interface HistoryTurn {
  readonly role: "user" | "assistant";
  readonly content: string;
}

/** A repeated `client_id` asks for the same reply. */
interface Submission {
  readonly client_id: string;
  readonly params?: SamplingParams;
}

export type SubmitMessage = Submission &
  (
    | {
        readonly type: "prompt";
        readonly text: string;
        readonly conversation?: number;
        readonly history?: readonly HistoryTurn[];
        readonly temporary?: true;
      }
    | { readonly type: "regenerate" | "continue"; readonly message: number }
    | { readonly type: "edit"; readonly message: number; readonly text: string }
    | {
        readonly type: "branch";
        readonly message: number;
        readonly at: number;
        readonly token: number;
      }
  );

export type ClientMessage =
  | SubmitMessage
  | { readonly type: "cancel"; readonly generation: string }
  | { readonly type: "resume"; readonly generation: string; readonly after?: string }
  | { readonly type: "ping" };

/** One of the likeliest tokens where another, or it, was chosen. */
export interface TokenChoice {
  readonly id: number;
  readonly text: string;
  readonly logprob: number;
}

/** A chosen token. Given words, which were not drawn, stand as one with the id `GIVEN`. */
export interface TokenTrace extends TokenChoice {
  readonly top: readonly TokenChoice[];
}

export const GIVEN = -1;

export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export interface AcceptedEvent {
  readonly type: "accepted";
  readonly generation: string;
  readonly conversation: number | null;
  readonly user_message: number | null;
  readonly assistant_message: number | null;
  readonly client_id: string | null;
}

export interface QueuedEvent {
  readonly type: "queued";
  readonly generation: string;
  readonly position: number;
  readonly eta_s: number | null;
}

export interface StartedEvent {
  readonly type: "started";
  readonly generation: string;
  readonly id: string;
  readonly model: string | null;
  /** How many of the oldest messages no longer fit the model's context. */
  readonly context_trimmed: number;
  readonly seed: number | null;
}

export interface TokenEvent {
  readonly type: "token";
  readonly generation: string;
  /** The stream entry's id: the cursor to resume after. */
  readonly id: string;
  readonly seq: number;
  readonly text: string;
  /** Only when `params.logprobs` asked for them. */
  readonly logprobs?: readonly TokenTrace[];
  /** When it came, on this page's clock; not of the wire. */
  readonly receivedAt?: number;
}

export interface DoneEvent {
  readonly type: "done";
  readonly generation: string;
  readonly text: string;
  readonly finish_reason: FinishReason;
  /** Where it is filtered: the text is a safety rule's. */
  readonly notice: Notice | null;
  readonly usage: Usage | null;
  readonly timings: Timings | null;
}

export interface ErrorEvent {
  readonly type: "error";
  readonly code: string;
  readonly detail: string;
  readonly generation: string | null;
  readonly client_id: string | null;
  readonly retry_after: number | null;
  /** The whole message, for what one code alone has. */
  readonly data?: JsonObject;
}

export type GenerationEvent =
  | AcceptedEvent
  | QueuedEvent
  | StartedEvent
  | TokenEvent
  | DoneEvent
  | ErrorEvent;

export type ServerEvent =
  | { readonly type: "ready"; readonly user: User | null; readonly limits: JsonObject }
  | GenerationEvent
  /** Changed, perhaps elsewhere: read it again if it is shown. */
  | { readonly type: "conversation"; readonly conversation: number }
  | { readonly type: "pong" };

type ServerEventType = ServerEvent["type"];

const PARSERS: {
  readonly [T in ServerEventType]: (o: JsonObject) => Omit<Extract<ServerEvent, { type: T }>, "type">;
} = {
  ready: (o) => ({
    user: o.user ? parseUser(o.user) : null,
    limits: o.limits ? asObject(o.limits) : {},
  }),
  accepted: (o) => ({
    generation: readString(o, "generation"),
    conversation: optionalInteger(o, "conversation"),
    user_message: optionalInteger(o, "user_message"),
    assistant_message: optionalInteger(o, "assistant_message"),
    client_id: optionalString(o, "client_id"),
  }),
  queued: (o) => ({
    generation: readString(o, "generation"),
    position: readInteger(o, "position"),
    eta_s: optionalNumber(o, "eta_s"),
  }),
  started: (o) => ({
    generation: readString(o, "generation"),
    id: readString(o, "id"),
    model: optionalString(o, "model"),
    context_trimmed: Number(o.context_trimmed ?? 0),
    seed: optionalInteger(o, "seed"),
  }),
  token: (o) => ({
    generation: readString(o, "generation"),
    id: readString(o, "id"),
    seq: readInteger(o, "seq"),
    text: readString(o, "text"),
    ...(o.logprobs ? { logprobs: asArray(o.logprobs).map(parseTokenTrace) } : {}),
  }),
  done: (o) => ({
    generation: readString(o, "generation"),
    text: readString(o, "text"),
    finish_reason: readOneOf(o, "finish_reason", FINISH_REASONS),
    notice: parseNotice(o.notice),
    usage: o.usage ? parseUsage(asObject(o.usage)) : null,
    timings: o.timings ? parseTimings(asObject(o.timings)) : null,
  }),
  error: (o) => ({
    code: readString(o, "code"),
    detail: optionalString(o, "detail") ?? "",
    generation: optionalString(o, "generation"),
    client_id: optionalString(o, "client_id"),
    retry_after: optionalNumber(o, "retry_after"),
    data: o,
  }),
  conversation: (o) => ({ conversation: readInteger(o, "conversation") }),
  pong: () => ({}),
};

export function parseTokenTrace(value: unknown): TokenTrace {
  const object = asObject(value);
  const top = asArray(object.top).map((choice) => parseTokenChoice(asObject(choice)));
  return { ...parseTokenChoice(object), top };
}

function parseTokenChoice(object: JsonObject): TokenChoice {
  return {
    id: readInteger(object, "id"),
    text: readString(object, "text"),
    logprob: optionalNumber(object, "logprob") ?? 0,
  };
}

function parseUsage(object: JsonObject): Usage | null {
  const promptTokens = optionalInteger(object, "prompt_tokens");
  const completionTokens = optionalInteger(object, "completion_tokens");
  if (promptTokens === null || completionTokens === null) return null;
  return { promptTokens, completionTokens };
}

/** Null for what is not understood: a later server may send events this page does not know. */
export function parseServerEvent(frame: string): ServerEvent | null {
  try {
    const object = asObject(parseJson(frame));
    const type = readString(object, "type");
    if (!Object.hasOwn(PARSERS, type)) return null;
    const known = type as ServerEventType;
    return { type: known, ...PARSERS[known](object) } as ServerEvent;
  } catch (error) {
    if (error instanceof ParseError) return null;
    throw error;
  }
}
