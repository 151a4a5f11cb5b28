/** Questions the page asks of the chat state. */
import type { HistoryTurn } from "./events";
import {
  type ChatState,
  conversationKey,
  EMPTY_TRANSCRIPT,
  isSettled,
  type Message,
  type QueuePlace,
  type Reply,
  type ReplyDetails,
  type Transcript,
  type TranscriptKey,
} from "./state";

export function shownKey(state: ChatState, conversation: number | null): TranscriptKey {
  return conversation === null ? state.draft : conversationKey(conversation);
}

export function transcriptOf(state: ChatState, key: TranscriptKey): Transcript {
  return state.transcripts[key] ?? EMPTY_TRANSCRIPT;
}

/** The server has said that there is no such conversation, or none of this person's. */
export function isGone({ load, failure }: Transcript): boolean {
  return load === "failed" && failure?.code === "not_found";
}

/** The text to show. A replayed stream grows silently behind the snapshot until it passes it. */
export function visibleText(reply: Reply): string {
  return reply.text.length < reply.snapshot.length ? reply.snapshot : reply.text;
}

export function messageText(state: ChatState, message: Message): string {
  const reply = state.replies[message.key];
  return reply ? visibleText(reply) : message.text;
}

/** How a reply came about: what is stored, or what the stream has told; null if unknown. */
export function detailsOf(state: ChatState, { key, details }: Message): ReplyDetails | null {
  const reply = state.replies[key];
  const generation = reply?.generation ?? null;
  if (reply === undefined || generation === null) return details;
  const known = details?.generation === generation ? details : null;
  const seed = known?.seed ?? reply.seed;
  const params = known?.params ?? reply.params ?? {};
  return {
    generation,
    model: known?.model ?? reply.model,
    params: seed === null ? params : { ...params, seed },
    seed,
    promptTokens: reply.usage?.promptTokens ?? known?.promptTokens ?? null,
    completionTokens: reply.usage?.completionTokens ?? known?.completionTokens ?? null,
    timings: reply.timings ?? known?.timings ?? null,
    hasTrace: known?.hasTrace ?? false,
    begunTokens: known ? known.begunTokens : begunOf(reply),
    status: reply.status === "sending" ? "queued" : reply.status,
    finishReason: reply.finishReason,
  };
}

/** What its request tells of its beginning. */
function begunOf({ asked }: Reply): number | null {
  if (asked.type === "branch") return asked.at + 1;
  return asked.type === "continue" ? null : 0;
}

export interface Speed {
  readonly ttftMs: number | null;
  readonly tokensPerS: number | null;
  /** True where tokens are guessed from letters, since they are not counted before the end. */
  readonly isEstimate: boolean;
}

/** English text as the model cuts it. */
const CHARS_PER_TOKEN = 4;

/** How quick a reply is, as this page sees it; the server's account once it has come. */
export function speedOf(reply: Reply, now: number): Speed {
  const { sentAt, firstTokenAt, timings } = reply;
  const ttftMs = sentAt === null || firstTokenAt === null ? null : firstTokenAt - sentAt;
  if (timings !== null) return { ttftMs, tokensPerS: timings.tokensPerS, isEstimate: false };
  const isCounted = reply.tokens.length > 0;
  const tokens = isCounted ? reply.tokens.length : reply.text.length / CHARS_PER_TOKEN;
  const seconds = firstTokenAt === null ? 0 : (now - firstTokenAt) / 1000;
  const tokensPerS = seconds > 0 ? tokens / seconds : null;
  return { ttftMs, tokensPerS, isEstimate: !isCounted };
}

export interface FoundMessage {
  readonly transcript: TranscriptKey;
  readonly message: Message;
  /** Key and words of the question above an answer. */
  readonly question: string | null;
  readonly prompt: string;
}

export function findMessage(state: ChatState, key: string): FoundMessage | null {
  for (const [transcript, { messages }] of Object.entries(state.transcripts)) {
    const at = messages.findIndex((message) => message.key === key);
    const message = messages[at];
    if (message === undefined) continue;
    const above = messages[at - 1];
    return { transcript, message, question: above?.key ?? null, prompt: above?.text ?? "" };
  }
  return null;
}

export function isLastMessage(state: ChatState, key: string): boolean {
  return Object.values(state.transcripts).some(({ messages }) => messages.at(-1)?.key === key);
}

/** Key of the message being answered in this transcript, or null. One at a time is the rule. */
export function liveReplyKey(state: ChatState, key: TranscriptKey): string | null {
  const last = transcriptOf(state, key).messages.at(-1);
  const reply = last && state.replies[last.key];
  return last && reply && !isSettled(reply) ? last.key : null;
}

export function unsettledReplies(state: ChatState): readonly [string, Reply][] {
  return Object.entries(state.replies).filter(([, reply]) => !isSettled(reply));
}

/** Far more than the model's context holds, and well within what the server takes. */
const HISTORY_MAX_TURNS = 24;
const HISTORY_MAX_CHARS = 8_000;

/**
 * What a guest sends along, since the server keeps nothing: the newest exchanges, and whole ones
 * only, so that roles alternate.
 */
export function guestHistory(state: ChatState, key: TranscriptKey): readonly HistoryTurn[] {
  const turns: HistoryTurn[] = [];
  let question: string | null = null;
  for (const message of transcriptOf(state, key).messages) {
    const text = messageText(state, message);
    if (message.role === "user") {
      question = text;
    } else if (question !== null && text !== "") {
      turns.push({ role: "user", content: question }, { role: "assistant", content: text });
      question = null;
    }
  }
  return newestExchanges(turns);
}

function newestExchanges(turns: readonly HistoryTurn[]): readonly HistoryTurn[] {
  let from = turns.length;
  let chars = 0;
  while (from >= 2) {
    chars += (turns[from - 2]?.content.length ?? 0) + (turns[from - 1]?.content.length ?? 0);
    if (chars > HISTORY_MAX_CHARS || turns.length - from >= HISTORY_MAX_TURNS) break;
    from -= 2;
  }
  return turns.slice(from);
}

/** "2nd in line, about 4 s" */
export function queueLine({ position, etaS }: QueuePlace): string {
  const place = position <= 1 ? "Next in line" : `${ordinal(position)} in line`;
  return etaS === null || etaS < 1 ? place : `${place}, about ${Math.ceil(etaS)} s`;
}

function ordinal(n: number): string {
  const suffix = { one: "st", two: "nd", few: "rd" }[ORDINAL_RULES.select(n) as string] ?? "th";
  return `${n}${suffix}`;
}

const ORDINAL_RULES = new Intl.PluralRules("en", { type: "ordinal" });
