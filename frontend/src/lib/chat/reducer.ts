/**
 * Applies what happens, from the socket or from the person, to the chat state. Pure. Stream events
 * may come twice, late or with holes: a duplicate changes nothing, a late one (after the end)
 * changes nothing, a hole sets `hasGap` and waits for the resume that the controller asks for.
 */
import { isAfter } from "./cursor";
import type {
  AcceptedEvent,
  DoneEvent,
  ErrorEvent,
  GenerationEvent,
  StartedEvent,
  TokenEvent,
} from "./events";
import { loadConversation } from "./load";
import { liveReplyKey } from "./selectors";
import {
  type ChatState,
  conversationKey,
  EMPTY_TRANSCRIPT,
  INITIAL_STATE,
  isSettled,
  NEW_REPLY,
  type Reply,
  type ReplyStatus,
  type Transcript,
  type TranscriptKey,
} from "./state";
import type { StoredMessage } from "@/lib/api/conversations";
import type { Failure } from "@/lib/failure";

export type LocalAction =
  | {
      readonly type: "prompt_sent";
      readonly transcript: TranscriptKey;
      readonly clientId: string;
      readonly text: string;
    }
  /** Takes a question and its answer off the page; the server is not told. */
  | { readonly type: "exchange_dropped"; readonly reply: string }
  | { readonly type: "stop_requested"; readonly reply: string }
  | { readonly type: "draft_started" }
  | { readonly type: "load_started"; readonly conversation: number }
  | {
      readonly type: "load_finished";
      readonly conversation: number;
      readonly messages: readonly StoredMessage[];
    }
  | { readonly type: "load_failed"; readonly conversation: number; readonly failure: Failure }
  | { readonly type: "conversation_changed"; readonly conversation: number }
  | { readonly type: "conversation_removed"; readonly conversation: number }
  | { readonly type: "notice_raised"; readonly failure: Failure }
  | { readonly type: "notice_dismissed" }
  | { readonly type: "reset" };

export type ChatAction = LocalAction | GenerationEvent;

export function chatReducer(state: ChatState, action: ChatAction): ChatState {
  switch (action.type) {
    case "accepted":
      return accept(state, action);
    case "queued":
    case "started":
    case "token":
    case "done":
      return updateReply(state, state.byGeneration[action.generation], (reply) =>
        applyToReply(reply, action),
      );
    case "error":
      return applyError(state, action);
    case "prompt_sent":
      return addExchange(state, action.transcript, action.clientId, action.text);
    case "exchange_dropped":
      return dropExchange(state, action.reply);
    case "stop_requested":
      return updateReply(state, action.reply, (reply) => ({ ...reply, isStopping: true }));
    case "draft_started":
      return startDraft(state);
    case "load_started":
      return updateTranscript(state, conversationKey(action.conversation), (transcript) => ({
        ...transcript,
        load: "loading",
        failure: null,
        isStale: false,
      }));
    case "load_finished":
      return loadConversation(state, conversationKey(action.conversation), action.messages);
    case "load_failed":
      return updateTranscript(state, conversationKey(action.conversation), (transcript) => ({
        ...transcript,
        load: "failed",
        failure: action.failure,
        messages: action.failure.code === "not_found" ? [] : transcript.messages,
      }));
    case "conversation_changed":
      return markStale(state, conversationKey(action.conversation));
    case "conversation_removed":
      return removeTranscript(state, conversationKey(action.conversation));
    case "notice_raised":
      return { ...state, notice: action.failure };
    case "notice_dismissed":
      return { ...state, notice: null };
    case "reset":
      return INITIAL_STATE;
  }
}

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
    contextTrimmed: event.context_trimmed,
  };
  if (reply.cursor === null || !isAfter(event.id, reply.cursor)) return started;
  return {
    ...started,
    snapshot: reply.text,
    text: "",
    nextSeq: 0,
    cursor: event.id,
    hasGap: false,
  };
}

function applyToken(reply: Reply, event: TokenEvent): Reply {
  if (event.seq < reply.nextSeq) return reply;
  if (event.seq > reply.nextSeq) return reply.hasGap ? reply : { ...reply, hasGap: true };
  return {
    ...reply,
    status: "running",
    queue: null,
    text: reply.text + event.text,
    nextSeq: event.seq + 1,
    cursor: event.id,
    hasGap: false,
  };
}

const STATUS_AFTER: Readonly<Record<DoneEvent["finish_reason"], ReplyStatus>> = {
  stop: "completed",
  length: "completed",
  cancelled: "cancelled",
  error: "failed",
};

/** The end carries the whole text, so it also closes any gap. */
function settle(reply: Reply, event: DoneEvent): Reply {
  return {
    ...reply,
    status: STATUS_AFTER[event.finish_reason],
    text: event.text,
    snapshot: "",
    queue: null,
    hasGap: false,
    isStopping: false,
    finishReason: event.finish_reason,
    failure:
      event.finish_reason === "error" ? { code: "internal", detail: "", retryAfterS: null } : null,
  };
}

function accept(state: ChatState, event: AcceptedEvent): ChatState {
  const key = event.client_id === null ? undefined : state.byClientId[event.client_id];
  const reply = key === undefined ? undefined : state.replies[key];
  if (key === undefined || reply === undefined || isSettled(reply)) return state;
  let next = updateReply(state, key, (current) => ({
    ...current,
    status: current.status === "sending" ? "queued" : current.status,
    generation: event.generation,
  }));
  next = { ...next, byGeneration: { ...next.byGeneration, [event.generation]: key } };
  next = updateTranscript(next, reply.transcript, (transcript) => ({
    ...transcript,
    messages: withIds(transcript, key, event),
  }));
  return event.conversation === null
    ? next
    : adoptDraft(next, reply.transcript, conversationKey(event.conversation));
}

function withIds(transcript: Transcript, key: string, event: AcceptedEvent) {
  const at = transcript.messages.findIndex((message) => message.key === key);
  return transcript.messages.map((message, index) => {
    if (index === at) return { ...message, id: event.assistant_message };
    if (index === at - 1) return { ...message, id: event.user_message };
    return message;
  });
}

/** The server gave a draft its conversation: everything moves under the new key, a new draft opens. */
function adoptDraft(state: ChatState, from: TranscriptKey, to: TranscriptKey): ChatState {
  if (from === to) return state;
  const { [from]: transcript, ...others } = state.transcripts;
  if (transcript === undefined) return state;
  const replies = Object.fromEntries(
    Object.entries(state.replies).map(([key, reply]) => [
      key,
      reply.transcript === from ? { ...reply, transcript: to } : reply,
    ]),
  );
  const moved = { ...state, transcripts: { ...others, [to]: transcript }, replies };
  return from === state.draft ? startDraft(moved) : moved;
}

function applyError(state: ChatState, event: ErrorEvent): ChatState {
  const failure: Failure = {
    code: event.code,
    detail: event.detail,
    retryAfterS: event.retry_after,
  };
  // A prompt refused because another answer is running names that answer too: the client id wins.
  const key =
    event.client_id === null
      ? state.byGeneration[event.generation ?? ""]
      : state.byClientId[event.client_id];
  if (key === undefined) {
    // About something that is no longer on the page, or about the connection as a whole.
    const isStray = event.generation !== null || event.client_id !== null;
    return isStray ? state : { ...state, notice: failure };
  }
  return updateReply(state, key, (reply) =>
    isSettled(reply)
      ? reply
      : { ...reply, status: "failed", queue: null, hasGap: false, isStopping: false, failure },
  );
}

function addExchange(
  state: ChatState,
  transcript: TranscriptKey,
  clientId: string,
  text: string,
): ChatState {
  const key = `a:${clientId}`;
  const question = { key: `u:${clientId}`, role: "user", id: null, text } as const;
  const answer = { key, role: "assistant", id: null, text: "" } as const;
  const next = updateTranscript(state, transcript, (current) => ({
    ...current,
    messages: [...current.messages, question, answer],
  }));
  return {
    ...next,
    replies: { ...next.replies, [key]: { ...NEW_REPLY, transcript, clientId, prompt: text } },
    byClientId: { ...next.byClientId, [clientId]: key },
    notice: null,
  };
}

function dropExchange(state: ChatState, key: string): ChatState {
  const { [key]: reply, ...replies } = state.replies;
  if (reply === undefined) return state;
  const next = updateTranscript(state, reply.transcript, (transcript) => {
    const at = transcript.messages.findIndex((message) => message.key === key);
    return {
      ...transcript,
      messages: transcript.messages.filter((_, index) => index !== at && index !== at - 1),
    };
  });
  return { ...next, replies };
}

function startDraft(state: ChatState): ChatState {
  const draftCount = state.draftCount + 1;
  return { ...state, draft: `draft:${draftCount}`, draftCount, notice: null };
}

function markStale(state: ChatState, key: TranscriptKey): ChatState {
  // While an answer is followed here, the change is that answer.
  if (state.transcripts[key] === undefined || liveReplyKey(state, key) !== null) return state;
  return updateTranscript(state, key, (transcript) => ({ ...transcript, isStale: true }));
}

function removeTranscript(state: ChatState, key: TranscriptKey): ChatState {
  const { [key]: removed, ...transcripts } = state.transcripts;
  if (removed === undefined) return state;
  const replies = Object.fromEntries(
    Object.entries(state.replies).filter(([, reply]) => reply.transcript !== key),
  );
  return { ...state, transcripts, replies };
}

function updateTranscript(
  state: ChatState,
  key: TranscriptKey,
  update: (transcript: Transcript) => Transcript,
): ChatState {
  const transcript = update(state.transcripts[key] ?? EMPTY_TRANSCRIPT);
  return { ...state, transcripts: { ...state.transcripts, [key]: transcript } };
}

function updateReply(
  state: ChatState,
  key: string | undefined,
  update: (reply: Reply) => Reply,
): ChatState {
  const reply = key === undefined ? undefined : state.replies[key];
  if (key === undefined || reply === undefined) return state;
  const updated = update(reply);
  return updated === reply ? state : { ...state, replies: { ...state.replies, [key]: updated } };
}
