/**
 * A guest's chat becomes a new account's conversation: what is sent of it, and how its transcript
 * takes the stored ids while a reply goes on streaming into it.
 */
import { loadConversation } from "./load";
import { messageText } from "./selectors";
import {
  type ChatState,
  conversationKey,
  INITIAL_STATE,
  isSettled,
  type Message,
  type Reply,
  type TranscriptKey,
} from "./state";
import { mapReplies, moveTranscript, updateKnown } from "./update";
import { toFailure } from "@/lib/api/errors";
import type { ConversationDetail, KeepRequest, Turn } from "@/lib/api/conversations";
import type { Failure } from "@/lib/failure";

/** What to send, and the keys of the messages that the answer's rows will be, in order. */
export interface KeepPlan {
  readonly transcript: TranscriptKey;
  readonly keys: readonly string[];
  readonly request: KeepRequest;
}

/** What became of a plan. */
export type KeepOutcome =
  | { readonly plan: KeepPlan; readonly detail: ConversationDetail; readonly failure: null }
  | { readonly plan: KeepPlan; readonly detail: null; readonly failure: Failure };

/** As many as the server takes; the newest are kept. */
const KEEP_MAX_TURNS = 200;

/** Null where there is nothing to keep. */
export function planKeep(state: ChatState, transcript: TranscriptKey): KeepPlan | null {
  const messages = state.transcripts[transcript]?.messages ?? [];
  const turns: Turn[] = [];
  const keys: string[] = [];
  let generation: string | null = null;
  for (const [at, answer] of messages.entries()) {
    const question = messages[at - 1];
    if (answer.role !== "assistant" || question === undefined) continue;
    const content = messageText(state, answer);
    const running = runningGeneration(state.replies[answer.key]);
    if (content === "" && running === null) continue;
    generation = running;
    keys.push(question.key, answer.key);
    turns.push({ role: "user", content: question.text });
    if (running === null) turns.push({ role: "assistant", content });
  }
  if (turns.length === 0) return null;
  const surplus = Math.max(0, keys.length - KEEP_MAX_TURNS);
  const client_id = `keep-${keys[0]?.slice(2) ?? ""}`;
  const request = { turns: turns.slice(surplus), client_id, ...(generation ? { generation } : {}) };
  return { transcript, keys: keys.slice(surplus), request };
}

function runningGeneration(reply: Reply | undefined): string | null {
  return reply === undefined || isSettled(reply) ? null : reply.generation;
}

export async function carryOut(
  plan: KeepPlan,
  post: (request: KeepRequest) => Promise<ConversationDetail>,
): Promise<KeepOutcome> {
  try {
    return { plan, detail: await post(plan.request), failure: null };
  } catch (error) {
    return { plan, detail: null, failure: toFailure(error) };
  }
}

/** Nothing of anybody but this transcript's is left. */
export function isolate(state: ChatState, key: TranscriptKey): ChatState {
  const transcript = state.transcripts[key];
  if (transcript === undefined) return INITIAL_STATE;
  const replies = mapReplies(state.replies, (reply) => (reply.transcript === key ? reply : null));
  const isHere = ([, replyKey]: [string, string]): boolean => replyKey in replies;
  return {
    ...INITIAL_STATE,
    transcripts: { [key]: transcript },
    replies,
    byGeneration: Object.fromEntries(Object.entries(state.byGeneration).filter(isHere)),
    byClientId: Object.fromEntries(Object.entries(state.byClientId).filter(isHere)),
    draft: key,
    draftCount: state.draftCount,
  };
}

/** The draft is stored: its messages keep their keys, its running reply its place in the stream. */
export function adoptKept(
  state: ChatState,
  from: TranscriptKey,
  keys: readonly string[],
  detail: ConversationDetail,
): ChatState {
  const to = conversationKey(detail.id);
  const ids = new Map(keys.map((key, index) => [key, detail.messages[index]?.id ?? null]));
  const named = updateKnown(state, from, (transcript) => ({
    ...transcript,
    isTemporary: false,
    unkept: null,
    messages: transcript.messages.flatMap((message) => withId(state, message, ids)),
  }));
  const moved = moveTranscript(named, from, to);
  // What was never accepted is asked again, of the new account.
  return loadConversation(moved, to, detail);
}

/** Stored messages get their ids, unaccepted ones stay, an exchange without an answer goes. */
function withId(
  state: ChatState,
  message: Message,
  ids: ReadonlyMap<string, number | null>,
): readonly Message[] {
  const id = ids.get(message.key);
  if (id !== undefined) return [{ ...message, id }];
  const answer = state.replies[message.key.replace(/^u:/, "a:")];
  return answer?.generation === null ? [message] : [];
}

/** The chat stays on the page as a temporary one, so that no word of it is lost. */
export function keepHere(state: ChatState, key: TranscriptKey, failure: Failure): ChatState {
  return updateKnown(state, key, (transcript) => ({
    ...transcript,
    isTemporary: true,
    unkept: failure,
  }));
}
