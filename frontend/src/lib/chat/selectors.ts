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
  type Transcript,
  type TranscriptKey,
} from "./state";

export function shownKey(state: ChatState, conversation: number | null): TranscriptKey {
  return conversation === null ? state.draft : conversationKey(conversation);
}

export function transcriptOf(state: ChatState, key: TranscriptKey): Transcript {
  return state.transcripts[key] ?? EMPTY_TRANSCRIPT;
}

/** The text to show. A replayed stream grows silently behind the snapshot until it passes it. */
export function visibleText(reply: Reply): string {
  return reply.text.length < reply.snapshot.length ? reply.snapshot : reply.text;
}

export function messageText(state: ChatState, message: Message): string {
  const reply = state.replies[message.key];
  return reply ? visibleText(reply) : message.text;
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
