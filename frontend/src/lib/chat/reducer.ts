/** Applies what happens, from the socket or from the person, to the chat state. Pure. */
import type { ChatAction } from "./actions";
import { accept, applyError } from "./answers";
import { addPrompt, addSibling, dropExchange } from "./ask";
import { adoptKept, isolate, keepHere } from "./keep";
import { loadConversation, prependPage } from "./load";
import {
  type ChatState,
  conversationKey,
  conversationOf,
  INITIAL_STATE,
  type Message,
  type TranscriptKey,
} from "./state";
import { applyToReply } from "./stream";
import { mapReplies, startDraft, updateKnown, updateReply, updateTranscript } from "./update";
import type { Failure } from "@/lib/failure";

export type { ChatAction, LocalAction } from "./actions";

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
      return addPrompt(state, action);
    case "sibling_asked":
      return addSibling(state, action);
    case "exchange_dropped":
      return dropExchange(state, action.reply);
    case "stop_requested":
      return updateReply(state, action.reply, (reply) => ({ ...reply, isStopping: true }));
    case "draft_started":
      return startDraft(state, action.isTemporary);
    case "load_started":
      return beginLoad(state, conversationKey(action.conversation));
    case "load_finished":
      return loadConversation(state, conversationKey(action.conversation), action.page);
    case "load_failed":
      return failLoad(state, conversationKey(action.conversation), action.failure);
    case "older_started":
      return updateKnown(state, conversationKey(action.conversation), (transcript) => ({
        ...transcript,
        isLoadingOlder: true,
        olderFailure: null,
      }));
    case "older_finished":
      return prependPage(state, conversationKey(action.conversation), action.before, action.page);
    case "older_failed":
      return updateKnown(state, conversationKey(action.conversation), (transcript) => ({
        ...transcript,
        isLoadingOlder: false,
        olderFailure: action.failure,
      }));
    case "conversation_changed":
      return updateKnown(state, conversationKey(action.conversation), (transcript) => ({
        ...transcript,
        isStale: true,
      }));
    case "news_missed":
      return markAllStale(state);
    case "conversation_removed":
      return removeTranscript(state, conversationKey(action.conversation));
    case "message_patched":
      return patchMessage(state, action.key, action.patch);
    case "transcript_isolated":
      return isolate(state, action.transcript);
    case "draft_kept":
      return adoptKept(state, action.transcript, action.keys, action.detail);
    case "draft_not_kept":
      return keepHere(state, action.transcript, action.failure);
    case "notice_raised":
      return { ...state, notice: action.failure };
    case "notice_dismissed":
      return { ...state, notice: null, refusedEdit: null, refusedPrompt: null };
    case "reset":
      return INITIAL_STATE;
  }
}

function beginLoad(state: ChatState, key: TranscriptKey): ChatState {
  return updateTranscript(state, key, (transcript) => ({
    ...transcript,
    load: "loading",
    failure: null,
    isStale: false,
    recent: [],
  }));
}

function failLoad(state: ChatState, key: TranscriptKey, failure: Failure): ChatState {
  return updateTranscript(state, key, (transcript) => ({
    ...transcript,
    load: "failed",
    failure,
    messages: failure.code === "not_found" ? [] : transcript.messages,
  }));
}

function markAllStale(state: ChatState): ChatState {
  const transcripts = Object.entries(state.transcripts).map(([key, transcript]) => {
    const isStale = conversationOf(key) !== null || transcript.isStale;
    return [key, { ...transcript, isStale }] as const;
  });
  return { ...state, transcripts: Object.fromEntries(transcripts) };
}

function patchMessage(state: ChatState, key: string, patch: Partial<Message>): ChatState {
  for (const [name, transcript] of Object.entries(state.transcripts)) {
    const at = transcript.messages.findIndex((message) => message.key === key);
    const message = transcript.messages[at];
    if (message === undefined) continue;
    const messages = transcript.messages.with(at, { ...message, ...patch });
    return { ...state, transcripts: { ...state.transcripts, [name]: { ...transcript, messages } } };
  }
  return state;
}

function removeTranscript(state: ChatState, key: TranscriptKey): ChatState {
  const { [key]: removed, ...transcripts } = state.transcripts;
  if (removed === undefined) return state;
  const replies = mapReplies(state.replies, (reply) => (reply.transcript === key ? null : reply));
  return { ...state, transcripts, replies };
}
