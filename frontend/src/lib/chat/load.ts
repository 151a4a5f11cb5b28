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
  if (isOutdated(state, current, page)) {
    return updateKnown(state, key, (known) => ({ ...known, load: "ready", isStale: true }));
  }
  const { messages: stored, ...next } = withPage(state, key, page);
  const above = keptAbove(current.messages, page);
  const messages = withLocal({ ...next, messages: [...above, ...stored] }, current);
  const transcript: Transcript = {
    ...current,
    messages,
    load: "ready",
    failure: null,
    hasOlder: above.length > 0 ? current.hasOlder : page.hasOlder,
    recent: [],
  };
  return {
    ...state,
    transcripts: { ...state.transcripts, [key]: transcript },
    replies: withoutHidden(next.replies, key, messages),
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
  if (oldestId(current.messages) !== before) return { ...state, transcripts };
  const { messages, replies, byGeneration } = withPage(state, key, page);
  const shown = new Set(current.messages.map(({ id }) => id));
  const above = messages.filter(({ id }) => !shown.has(id));
  const all = [...above, ...current.messages];
  transcripts[key] = { ...settled, messages: all, hasOlder: page.hasOlder };
  return { ...state, transcripts, replies, byGeneration };
}

/** Of the stored ones: a refused prompt may stand above them. */
export function oldestId(messages: readonly Message[]): number | null {
  return messages.find(({ id }) => id !== null)?.id ?? null;
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
    const reply = message.isHidden
      ? undefined
      : replyFor(replies[messageKey], message, key, prompt);
    if (reply) replies[messageKey] = reply;
    else delete replies[messageKey];
    if (reply?.generation) byGeneration[reply.generation] = messageKey;
    return messageFromStored(message, messageKey);
  });
  return { messages, replies, byGeneration };
}

/**
 * A page may have been read before what was asked here since; and whether the server has what is
 * still on its way, the next page will tell. Only the first load cannot wait for that.
 */
function isOutdated(
  state: ChatState,
  { messages, recent }: Transcript,
  page: MessagePage,
): boolean {
  const ids = new Set(page.messages.map(({ id }) => id));
  const asked = messages.flatMap(({ key, id }) => {
    const reply = state.replies[key];
    const isNew = id === null ? reply?.status === "sending" : recent.includes(key) && !ids.has(id);
    return isNew && reply ? [{ key, reply }] : [];
  });
  const own = new Set(asked.flatMap(({ key, reply }) => [key, questionKey(reply.clientId ?? "")]));
  const known = [
    ...messages.filter(({ key }) => !own.has(key)),
    ...asked.flatMap(({ reply }) => reply.replaced),
  ];
  return asked.length > 0 && known.some(({ id }) => id !== null);
}

/** Older messages that were loaded before stay, where the page goes on from them without a hole. */
function keptAbove(messages: readonly Message[], page: MessagePage): readonly Message[] {
  const parent = page.messages[0]?.parent ?? null;
  const at = messages.findIndex(({ id }) => id !== null && id === parent);
  return messages.slice(0, at + 1).filter(({ id }) => id !== null);
}

type Merging = Pick<Read, "messages" | "replies">;

/** Puts back what the page cannot know: refused prompts, and what was asked since it was read. */
function withLocal(page: Merging, current: Transcript): readonly Message[] {
  const ids = new Set(page.messages.map(({ id }) => id));
  return current.messages.reduce((merged, message, at) => {
    const reply = page.replies[message.key];
    const isLocal = message.id === null || current.recent.includes(message.key);
    const isThere = message.id !== null && ids.has(message.id);
    if (message.role !== "assistant" || !reply || !isLocal || isThere) return merged;
    const above = current.messages[at - 1];
    const hasQuestion = above?.key === questionKey(reply.clientId ?? "");
    const exchange = hasQuestion ? [above, message] : [message];
    const isRefused = reply.status === "failed";
    const place = isRefused ? placeBetween(merged, current.messages, at) : merged.length;
    return [...merged.slice(0, place), ...exchange, ...merged.slice(place)];
  }, page.messages);
}

/** Where the exchange that ends at `at` belongs: above what followed it, below what it followed. */
function placeBetween(merged: readonly Message[], current: readonly Message[], at: number): number {
  const placeOf = (message: Message | undefined): number =>
    merged.findIndex(({ key }) => key === message?.key);
  const below = current.slice(at + 1).find((message) => placeOf(message) >= 0);
  if (below) return placeOf(below);
  const above = current.slice(0, at).findLast((message) => placeOf(message) >= 0);
  return above ? placeOf(above) + 1 : merged.length;
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
    notice: message.notice,
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
