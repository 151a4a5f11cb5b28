/** Which of the shown messages the model's window has, from what the server counted. */
import { guestHistory, messageText, transcriptOf } from "./selectors";
import type { HistoryTurn } from "./events";
import type { ChatState, Message, TranscriptKey } from "./state";
import type { ContextUsage } from "@/lib/api/context";

/** What is asked about: stored messages by their ids, others by their words. */
export interface WindowQuestion {
  readonly history: readonly HistoryTurn[];
  /** Key of the message behind each id in the answer. */
  readonly keys: ReadonlyMap<number, string>;
}

export function storedQuestion(messages: readonly Message[]): WindowQuestion {
  const known = messages.flatMap(({ id, key }) => (id === null ? [] : [[id, key] as const]));
  return { history: [], keys: new Map(known) };
}

/** The history as a prompt would bring it along, and which message each of its turns is. */
export function unstoredQuestion(state: ChatState, key: TranscriptKey): WindowQuestion {
  const history = guestHistory(state, key);
  const answered = answeredKeys(state, transcriptOf(state, key).messages);
  const sent = answered.slice(answered.length - history.length);
  return { history, keys: new Map(sent.map((message, place) => [place, message])) };
}

/** Questions and answers as `guestHistory` takes them: whole exchanges. */
function answeredKeys(state: ChatState, messages: readonly Message[]): readonly string[] {
  const keys: string[] = [];
  let question: string | null = null;
  for (const message of messages) {
    if (message.role === "user") question = message.key;
    else if (question !== null && messageText(state, message) !== "") {
      keys.push(question, message.key);
      question = null;
    }
  }
  return keys;
}

/**
 * The last message that the model no longer sees; null where all are seen or none can be told: a
 * draft that does not fit pushes nothing out, it is refused.
 */
export function lastOutside(
  messages: readonly Message[],
  usage: ContextUsage,
  keys: ReadonlyMap<number, string>,
): string | null {
  const first = usage.messages.find(({ isInside }) => isInside);
  if (first === undefined) {
    const isTold = usage.draft.fits && usage.messages.length > 0;
    return (isTold && messages.at(-1)?.key) || null;
  }
  const at = messages.findIndex(({ key }) => key === keys.get(first.id));
  return messages[at - 1]?.key ?? null;
}

/** The messages down to the last one outside, which is among them. */
export function messagesDownTo(
  messages: readonly Message[],
  last: string | null,
): readonly Message[] {
  const at = last === null ? -1 : messages.findIndex(({ key }) => key === last);
  return messages.slice(0, at + 1);
}
