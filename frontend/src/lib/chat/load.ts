/** Merges pages of a conversation read from the API with what this page and the stream know. */
import { questionKey } from "./ask";
import {
  type ChatState,
  EMPTY_TRANSCRIPT,
  isSettled,
  type Message,
  messageFromStored,
  NEW_REPLY,
  type Reply,
  type Transcript,
  type TranscriptKey,
} from "./state";
import { mapReplies, updateKnown } from "./update";
import type { GenerationSummary, MessagePage, StoredMessage } from "@/lib/api/conversations";

/** The newest messages of the shown branch have come. */
export function loadConversation(
  state: ChatState,
  key: TranscriptKey,
  page: MessagePage,
): ChatState {
  const current = state.transcripts[key] ?? EMPTY_TRANSCRIPT;
  if (isTooEarly(state, current)) {
    return updateKnown(state, key, (known) => ({ ...known, load: "ready", isStale: true }));
  }
  const { messages: stored, ...next } = withPage(state, key, page);
  const above = keptAbove(current.messages, page);
  const merged = withLocal({ ...next, messages: [...above, ...stored] }, current);
  const transcript: Transcript = {
    ...current,
    messages: merged.messages,
    load: "ready",
    failure: null,
    hasOlder: above.length > 0 ? current.hasOlder : page.hasOlder,
    recent: [],
  };
  return {
    ...state,
    transcripts: { ...state.transcripts, [key]: transcript },
    replies: withoutHidden(merged.replies, key, merged.messages),
    byGeneration: next.byGeneration,
  };
}

/** Older messages of the same branch have come; `before` tells to which message they belong. */
export function prependPage(
  state: ChatState,
  key: TranscriptKey,
  before: number,
  page: MessagePage,
): ChatState {
  const current = state.transcripts[key];
  if (current === undefined) return state;
  const settled = { ...current, isLoadingOlder: false };
  const transcripts = { ...state.transcripts, [key]: settled };
  // The branch has changed meanwhile: these belong above another message.
  if (current.messages[0]?.id !== before) return { ...state, transcripts };
  const { messages, replies, byGeneration } = withPage(state, key, page);
  const shown = new Set(current.messages.map(({ id }) => id));
  const above = messages.filter(({ id }) => !shown.has(id));
  const all = [...above, ...current.messages];
  transcripts[key] = { ...settled, messages: all, hasOlder: page.hasOlder };
  return { ...state, transcripts, replies, byGeneration };
}

interface Read extends Pick<ChatState, "replies" | "byGeneration"> {
  readonly messages: readonly Message[];
}

/** A page's messages under the keys they have here, and the replies that belong to them. */
function withPage(state: ChatState, key: TranscriptKey, page: MessagePage): Read {
  const known = new Map(state.transcripts[key]?.messages.map((message) => [message.id, message]));
  const replies = { ...state.replies };
  const byGeneration = { ...state.byGeneration };
  const messages = page.messages.map((message, index) => {
    const { generation } = message;
    const streamed = generation === null ? undefined : state.byGeneration[generation.id];
    const messageKey = known.get(message.id)?.key ?? streamed ?? `m:${message.id}`;
    const prompt = page.messages[index - 1]?.content ?? "";
    const reply = replyFor(replies[messageKey], message, key, prompt);
    if (reply) replies[messageKey] = reply;
    else delete replies[messageKey];
    if (reply?.generation) byGeneration[reply.generation] = messageKey;
    return messageFromStored(message, messageKey);
  });
  return { messages, replies, byGeneration };
}

/** The server may or may not have what is still on its way: the next page will tell for sure. */
function isTooEarly(state: ChatState, transcript: Transcript): boolean {
  const isReload = transcript.messages.some(({ id }) => id !== null);
  return isReload && transcript.messages.some(({ key }) => state.replies[key]?.status === "sending");
}

/** Older messages that were loaded before stay, where the page goes on from them without a hole. */
function keptAbove(messages: readonly Message[], page: MessagePage): readonly Message[] {
  const first = page.messages[0];
  if (first === undefined) return [];
  const at = messages.findIndex(({ id }) => id === first.id);
  if (at >= 0) return messages.slice(0, at);
  const parent = messages.findIndex(({ id }) => id !== null && id === first.parent);
  return messages.slice(0, parent + 1);
}

type Merging = Pick<Read, "messages" | "replies">;

/** Puts back what the page cannot know: refused prompts, and what was asked since it was read. */
function withLocal(page: Merging, current: Transcript): Merging {
  const ids = new Set(page.messages.map(({ id }) => id));
  return current.messages.reduce((merged, message, at) => {
    const reply = merged.replies[message.key];
    const isLocal = message.id === null || current.recent.includes(message.key);
    if (message.role !== "assistant" || !reply || !isLocal || ids.has(message.id)) return merged;
    const above = current.messages[at - 1];
    const hasQuestion = above?.key === questionKey(reply.clientId ?? "");
    const exchange = hasQuestion ? [above, message] : [message];
    const anchor = current.messages[at - exchange.length];
    return putBack(merged, exchange, { reply, key: message.key, anchor });
  }, page);
}

interface Place {
  readonly reply: Reply;
  readonly key: string;
  readonly anchor: Message | undefined;
}

function putBack(merged: Merging, exchange: readonly Message[], place: Place): Merging {
  const { reply, key, anchor } = place;
  const cut = merged.messages.findIndex(
    ({ id }) => id !== null && id === reply.replaced[0]?.id,
  );
  if (cut >= 0) {
    const replaced = merged.messages.slice(cut);
    const messages = [...merged.messages.slice(0, cut), ...exchange];
    return { messages, replies: { ...merged.replies, [key]: { ...reply, replaced } } };
  }
  const under = merged.messages.findIndex((message) => message.key === anchor?.key);
  const isRefused = reply.status === "failed" && under >= 0;
  const at = isRefused ? under + 1 : merged.messages.length;
  const messages = [...merged.messages.slice(0, at), ...exchange, ...merged.messages.slice(at)];
  return { messages, replies: { ...merged.replies, [key]: { ...reply, replaced: [] } } };
}

/** Ended replies of branches that are no longer shown need not be remembered. */
function withoutHidden(
  replies: ChatState["replies"],
  transcript: TranscriptKey,
  messages: readonly Message[],
): ChatState["replies"] {
  const shown = new Set(messages.map(({ key }) => key));
  return mapReplies(replies, (reply, key) =>
    reply.transcript === transcript && isSettled(reply) && !shown.has(key) ? null : reply,
  );
}

/** The reply state of a stored message; undefined where the plain text says everything. */
function replyFor(
  known: Reply | undefined,
  message: StoredMessage,
  transcript: TranscriptKey,
  prompt: string,
): Reply | undefined {
  const { generation } = message;
  if (generation === null) return undefined;
  const isLive = generation.status === "queued" || generation.status === "running";
  // The stream is ahead of a row read while it ran; a finished row is the last word.
  if (known?.generation === generation.id && (isLive || isSettled(known))) {
    return { ...known, transcript, replaced: [] };
  }
  if (isPlain(generation)) return undefined;
  return {
    ...NEW_REPLY,
    transcript,
    prompt,
    generation: generation.id,
    model: generation.model,
    status: generation.status,
    contextTrimmed: generation.contextTrimmed,
    ...(isLive ? { snapshot: message.content } : { text: message.content }),
    ...endOf(generation),
  };
}

function isPlain({ status, finishReason, contextTrimmed }: GenerationSummary): boolean {
  return status === "completed" && finishReason !== "length" && contextTrimmed === 0;
}

function endOf(generation: GenerationSummary): Pick<Reply, "finishReason" | "failure"> {
  const failure =
    generation.status === "failed"
      ? { code: generation.errorCode || "internal", detail: "", retryAfterS: null }
      : null;
  return { finishReason: generation.finishReason, failure };
}
