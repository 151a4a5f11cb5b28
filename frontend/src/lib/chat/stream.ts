/**
 * Applies stream events to one reply. They may come twice, late or with holes: a duplicate changes
 * nothing, a late one (after the end, or of a lost attempt) changes nothing, a hole sets `hasGap`
 * and waits for the resume that the controller asks for.
 */
import { isAfter } from "./cursor";
import {
  type AcceptedEvent,
  type DoneEvent,
  type ErrorEvent,
  type GenerationEvent,
  GIVEN,
  type StartedEvent,
  type TokenEvent,
  type TokenTrace,
} from "./events";
import { isSettled, type Reply, type ReplyStatus } from "./state";

/** More than a reply can have: beyond it the trace just ends. */
export const TRACE_MAX_TOKENS = 1_000;

/** One stream event on one reply; returns the same object when it changes nothing. */
export function applyToReply(
  reply: Reply,
  event: Exclude<GenerationEvent, AcceptedEvent | ErrorEvent>,
): Reply {
  if (isSettled(reply)) return reply;
  switch (event.type) {
    case "queued":
      return {
        ...reply,
        status: "queued",
        queue: { position: event.position, etaS: event.eta_s },
      };
    case "started":
      return start(reply, event);
    case "token":
      return applyToken(reply, event);
    case "done":
      return settle(reply, event);
  }
}

/**
 * A `started` after what was read says that the answer begins again: its worker and the stream with
 * its first words were lost. The old text stays on the page until the new one has passed it.
 */
function start(reply: Reply, event: StartedEvent): Reply {
  const started: Reply = {
    ...reply,
    status: "running",
    queue: null,
    model: event.model,
    seed: event.seed ?? reply.seed,
    contextTrimmed: event.context_trimmed,
  };
  if (reply.cursor === null || !isAfter(event.id, reply.cursor)) return started;
  return {
    ...started,
    snapshot: reply.text.length > reply.snapshot.length ? reply.text : reply.snapshot,
    text: "",
    nextSeq: 0,
    tokens: [],
    cursor: event.id,
    hasGap: false,
  };
}

function applyToken(reply: Reply, event: TokenEvent): Reply {
  if (event.seq < reply.nextSeq || isOfLostAttempt(reply, event)) return reply;
  if (event.seq > reply.nextSeq) return reply.hasGap ? reply : { ...reply, hasGap: true };
  return {
    ...reply,
    status: "running",
    queue: null,
    text: reply.text + event.text,
    nextSeq: event.seq + 1,
    tokens: traceWith(reply, event),
    cursor: event.id,
    hasGap: false,
    firstTokenAt: reply.firstTokenAt ?? event.receivedAt ?? null,
  };
}

/** Where the answer has begun again, words of before may still come in: their ids are older. */
function isOfLostAttempt(reply: Reply, event: TokenEvent): boolean {
  return reply.cursor !== null && !isAfter(event.id, reply.cursor);
}

/** Keeps what the tokens join to a beginning of the text: words without logprobs were given. */
function traceWith(reply: Reply, event: TokenEvent): readonly TokenTrace[] {
  if (event.logprobs === undefined && reply.tokens.length === 0) return reply.tokens;
  const before = reply.tokens.length === 0 ? given(reply.text) : reply.tokens;
  const all = [...before, ...(event.logprobs ?? given(event.text))];
  return all.length > TRACE_MAX_TOKENS ? reply.tokens : all;
}

function given(text: string): readonly TokenTrace[] {
  return text === "" ? [] : [{ id: GIVEN, text, logprob: 0, top: [] }];
}

const STATUS_AFTER: Readonly<Record<DoneEvent["finish_reason"], ReplyStatus>> = {
  stop: "completed",
  length: "completed",
  cancelled: "cancelled",
  error: "failed",
  filtered: "completed",
};

/** The end carries the whole text, so it also closes any gap; a trace with a hole is no trace. */
function settle(reply: Reply, event: DoneEvent): Reply {
  return {
    ...reply,
    status: STATUS_AFTER[event.finish_reason],
    text: event.text,
    tokens: event.finish_reason !== "filtered" && isWhole(reply, event) ? reply.tokens : [],
    snapshot: "",
    queue: null,
    hasGap: false,
    isStopping: false,
    finishReason: event.finish_reason,
    notice: event.notice,
    usage: event.usage,
    timings: event.timings,
    failure:
      event.finish_reason === "error" ? { code: "internal", detail: "", retryAfterS: null } : null,
  };
}

function isWhole(reply: Reply, event: DoneEvent): boolean {
  return reply.tokens.length >= TRACE_MAX_TOKENS || reply.text === event.text;
}
