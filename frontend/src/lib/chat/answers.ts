/** The server's word on what was asked here: accepted, with ids, or refused. */
import { dropExchange } from "./ask";
import type { AcceptedEvent, ErrorEvent } from "./events";
import { GONE, noticeOfRefusal } from "./notice";
import { isGone } from "./selectors";
import {
  type ChatState,
  conversationKey,
  conversationOf,
  isSettled,
  type Message,
  type Reply,
  type Siblings,
} from "./state";
import { mapReplies, moveTranscript, updateReply, updateTranscript } from "./update";
import type { Failure } from "@/lib/failure";

export function accept(state: ChatState, event: AcceptedEvent): ChatState {
  const key = event.client_id === null ? undefined : state.byClientId[event.client_id];
  const reply = key === undefined ? undefined : state.replies[key];
  if (key === undefined || reply === undefined || isSettled(reply)) return state;
  let next = takeOver(state, key, event.generation);
  next = updateReply(next, key, (current) => ({
    ...current,
    status: current.status === "sending" ? "queued" : current.status,
    generation: event.generation,
  }));
  next = { ...next, byGeneration: { ...next.byGeneration, [event.generation]: key } };
  next = updateTranscript(next, reply.transcript, (transcript) => ({
    ...transcript,
    messages: withIds(transcript.messages, key, event),
    recent: transcript.recent.includes(key) ? transcript.recent : [...transcript.recent, key],
  }));
  return event.conversation === null
    ? next
    : moveTranscript(next, reply.transcript, conversationKey(event.conversation));
}

/** A page read before this word came may show the same reply already, further on than here. */
function takeOver(state: ChatState, key: string, generation: string): ChatState {
  const otherKey = state.byGeneration[generation];
  const other = otherKey === undefined ? undefined : state.replies[otherKey];
  if (otherKey === undefined || otherKey === key || other === undefined) return state;
  const replies = mapReplies(state.replies, (reply) => (reply === other ? null : reply));
  return updateReply({ ...state, replies }, key, (own) => ({
    ...other,
    transcript: own.transcript,
    asked: own.asked,
    prompt: own.prompt,
    params: own.params,
    clientId: own.clientId,
    replaced: own.replaced,
    snapshot: own.snapshot.length > other.snapshot.length ? own.snapshot : other.snapshot,
    isStopping: own.isStopping,
    sentAt: own.sentAt,
  }));
}

function withIds(
  messages: readonly Message[],
  key: string,
  event: AcceptedEvent,
): readonly Message[] {
  const at = messages.findIndex((message) => message.key === key);
  const ids = [event.user_message, event.assistant_message];
  return messages.flatMap((message, index) => {
    if (index === at) return withId(message, event.assistant_message);
    if (index === at - 1) return withId(message, event.user_message);
    return message.id !== null && ids.includes(message.id) ? [] : message;
  });
}

/** What goes below a leaf is the only one there; siblings know their place already. */
function withId(message: Message, id: number | null): Message {
  const siblings = id === null ? null : (message.siblings ?? ONLY_CHILD);
  return { ...message, id, siblings };
}

const ONLY_CHILD: Siblings = { index: 1, count: 1, previous: null, next: null };

export function applyError(state: ChatState, event: ErrorEvent): ChatState {
  const failure = failureOf(event);
  // A prompt refused because another answer is running names that answer too: the client id wins.
  const key =
    event.client_id === null
      ? state.byGeneration[event.generation ?? ""]
      : state.byClientId[event.client_id];
  const reply = key === undefined ? undefined : state.replies[key];
  if (key === undefined || reply === undefined) {
    // About something that is no longer on the page, or about the connection as a whole.
    const isStray = event.generation !== null || event.client_id !== null;
    return isStray ? state : { ...state, notice: failure };
  }
  if (isSettled(reply)) return state;
  if (reply.generation === null && reply.replaced.length > 0) {
    return { ...dropExchange(state, key), notice: failure, refusedEdit: refusedEdit(reply) };
  }
  const isPrompt = reply.generation === null && reply.asked.type === "prompt";
  return (isPrompt ? giveBack(state, key, reply, event) : null) ?? updateReply(state, key, fail(failure));
}

/** The page without a prompt that cannot be sent again as it is; null where it can. */
function giveBack(state: ChatState, key: string, reply: Reply, event: ErrorEvent): ChatState | null {
  const { transcript, prompt: text } = reply;
  const notice = noticeOfRefusal(event.code, event.data);
  if (notice !== null) {
    const about = event.data?.earlier === true ? "earlier" : "prompt";
    return { ...dropExchange(state, key), refusedPrompt: { transcript, text, notice, about } };
  }
  if (event.code !== "not_found" || conversationOf(transcript) === null) return null;
  const dropped = dropExchange(state, key);
  const next = updateTranscript(dropped, transcript, (was) => ({ ...was, isStale: !isGone(was) }));
  return { ...next, refusedPrompt: { transcript, text, notice: GONE, about: "gone" } };
}

export function failureOf({ code, detail, retry_after, data = {} }: ErrorEvent): Failure {
  return { code, detail, retryAfterS: retry_after, data };
}

function fail(failure: Failure): (reply: Reply) => Reply {
  return (reply) => ({
    ...reply,
    status: "failed",
    queue: null,
    hasGap: false,
    isStopping: false,
    failure,
  });
}

function refusedEdit({ replaced: [first], prompt }: Reply): ChatState["refusedEdit"] {
  const isEdit = first?.role === "user" && first.text !== prompt;
  return isEdit ? { key: first.key, text: prompt } : null;
}
