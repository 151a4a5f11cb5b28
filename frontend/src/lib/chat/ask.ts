/**
 * What is asked here stands on the page at once: a prompt below, a sibling in the place of the branch
 * it leaves. What was replaced waits with the reply, and comes back if the server refuses.
 */
import type { PromptSent, SiblingAsked } from "./actions";
import {
  type ChatState,
  localMessage,
  type Message,
  NEW_REPLY,
  type Reply,
  type Siblings,
} from "./state";
import { updateTranscript } from "./update";

export function addPrompt(state: ChatState, action: PromptSent): ChatState {
  const { clientId, text, cut = null } = action;
  const question = localMessage(questionKey(clientId), "user", text);
  const answer = localMessage(answerKey(clientId), "assistant", "");
  const reply = { ...newReply(action), prompt: text };
  return place(state, reply, [question, answer], cut);
}

export function addSibling(state: ChatState, action: SiblingAsked): ChatState {
  const { clientId, asked, prompt, cut, beginning = "" } = action;
  const old = state.transcripts[action.transcript]?.messages.find(({ key }) => key === cut);
  if (old === undefined) return state;
  const siblings = newestSibling(old);
  const answer = localMessage(answerKey(clientId), "assistant", "");
  const shown =
    asked.type === "edit"
      ? [{ ...localMessage(questionKey(clientId), "user", prompt), siblings }, answer]
      : [{ ...answer, siblings }];
  return place(state, { ...newReply(action), asked, prompt, snapshot: beginning }, shown, cut);
}

/** Takes an exchange off the page again; what it had replaced comes back as it was. */
export function dropExchange(state: ChatState, key: string): ChatState {
  const { [key]: reply, ...replies } = state.replies;
  if (reply === undefined) return state;
  const next = updateTranscript(state, reply.transcript, (transcript) => ({
    ...transcript,
    messages: without(transcript.messages, key, reply),
  }));
  return { ...next, replies };
}

function without(messages: readonly Message[], key: string, reply: Reply): readonly Message[] {
  const at = messages.findIndex((message) => message.key === key);
  if (at < 0) return messages;
  const isQuestionAbove = messages[at - 1]?.key === questionKey(reply.clientId ?? "");
  const from = isQuestionAbove ? at - 1 : at;
  const back = reply.generation === null ? reply.replaced : [];
  return [...messages.slice(0, from), ...back, ...messages.slice(at + 1)];
}

export function questionKey(clientId: string): string {
  return `u:${clientId}`;
}

export function answerKey(clientId: string): string {
  return `a:${clientId}`;
}

function newReply(action: PromptSent | SiblingAsked): Omit<Reply, "prompt"> {
  const { transcript, clientId, params = null, sentAt = null } = action;
  return { ...NEW_REPLY, transcript, clientId, params, sentAt };
}

function place(
  state: ChatState,
  reply: Reply,
  shown: readonly Message[],
  cut: string | null,
): ChatState {
  const clientId = reply.clientId ?? "";
  const key = answerKey(clientId);
  let replaced: readonly Message[] = [];
  const next = updateTranscript(state, reply.transcript, (transcript) => {
    const at = transcript.messages.findIndex((message) => message.key === cut);
    const end = at < 0 ? transcript.messages.length : at;
    replaced = transcript.messages.slice(end);
    return {
      ...transcript,
      messages: [...transcript.messages.slice(0, end), ...shown],
      recent: [...transcript.recent, key],
    };
  });
  return {
    ...next,
    replies: { ...next.replies, [key]: { ...reply, replaced } },
    byClientId: { ...next.byClientId, [clientId]: key },
    notice: null,
    refusedEdit: null,
    refusedPrompt: null,
  };
}

/** The newest is always the last; who stands before it is known unless the old one was not. */
function newestSibling({ id, siblings }: Message): Siblings {
  const count = (siblings?.count ?? 1) + 1;
  const wasLast = (siblings?.next ?? null) === null;
  return { index: count, count, previous: wasLast ? id : null, next: null };
}
