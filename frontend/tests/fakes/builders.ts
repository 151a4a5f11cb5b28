import { chatReducer, type ChatAction } from "@/lib/chat/reducer";
import { type ChatState, INITIAL_STATE, type Reply } from "@/lib/chat/state";
import type { AcceptedEvent, DoneEvent, StartedEvent, TokenEvent } from "@/lib/chat/events";
import type { GenerationSummary, StoredMessage } from "@/lib/api/conversations";

export const GENERATION = "7f1f3f64-8f2b-4d0e-9f0a-0d6f3f0f7a11";

export function token(seq: number, text: string, generation = GENERATION): TokenEvent {
  return { type: "token", generation, id: `${seq}-0`, seq, text };
}

export function started(id: string, contextTrimmed = 0): StartedEvent {
  return {
    type: "started",
    generation: GENERATION,
    id,
    model: "eugpt-36m",
    context_trimmed: contextTrimmed,
    seed: 7,
  };
}

export function accepted(overrides: Partial<AcceptedEvent> = {}): AcceptedEvent {
  return {
    type: "accepted",
    generation: GENERATION,
    conversation: null,
    user_message: null,
    assistant_message: null,
    client_id: "c1",
    ...overrides,
  };
}

export function done(text: string, finish_reason: DoneEvent["finish_reason"] = "stop"): DoneEvent {
  return { type: "done", generation: GENERATION, text, finish_reason, notice: null, usage: null, timings: null };
}

export function reduce(actions: readonly ChatAction[], from: ChatState = INITIAL_STATE): ChatState {
  return actions.reduce(chatReducer, from);
}

/** A guest's page on which "hi" was asked and accepted. */
export function askedState(): ChatState {
  return reduce([
    { type: "prompt_sent", transcript: "draft:0", clientId: "c1", text: "hi" },
    accepted(),
  ]);
}

export function replyOf(state: ChatState, key = "a:c1"): Reply {
  const reply = state.replies[key];
  if (reply === undefined) throw new Error(`no reply ${key}`);
  return reply;
}

export function stored(overrides: Partial<StoredMessage> & { id: number }): StoredMessage {
  return {
    role: "user",
    content: "",
    createdAt: null,
    parent: null,
    siblings: null,
    feedback: null,
    isReported: false,
    notice: null,
    isHidden: false,
    generation: null,
    ...overrides,
  };
}

export function generation(overrides: Partial<GenerationSummary> = {}): GenerationSummary {
  return {
    id: GENERATION,
    status: "completed",
    finishReason: "stop",
    errorCode: null,
    contextTrimmed: 0,
    model: "eugpt-36m",
    params: {},
    promptTokens: null,
    completionTokens: null,
    timings: null,
    hasTrace: false,
    begunTokens: 0,
    ...overrides,
  };
}
