/** Small changes of the chat state that several actions share. */
import {
  type ChatState,
  conversationOf,
  EMPTY_TRANSCRIPT,
  type Reply,
  type Transcript,
  type TranscriptKey,
} from "./state";

export function updateTranscript(
  state: ChatState,
  key: TranscriptKey,
  update: (transcript: Transcript) => Transcript,
): ChatState {
  const transcript = update(state.transcripts[key] ?? unknown(key));
  return { ...state, transcripts: { ...state.transcripts, [key]: transcript } };
}

/** Until a page of it has come, a conversation may have more than what is asked here. */
function unknown(key: TranscriptKey): Transcript {
  return { ...EMPTY_TRANSCRIPT, hasOlder: conversationOf(key) !== null };
}

/** The same, but of a transcript that is here. */
export function updateKnown(
  state: ChatState,
  key: TranscriptKey,
  update: (transcript: Transcript) => Transcript,
): ChatState {
  return state.transcripts[key] === undefined ? state : updateTranscript(state, key, update);
}

export function updateReply(
  state: ChatState,
  key: string | undefined,
  update: (reply: Reply) => Reply,
): ChatState {
  const reply = key === undefined ? undefined : state.replies[key];
  if (key === undefined || reply === undefined) return state;
  const updated = update(reply);
  return updated === reply ? state : { ...state, replies: { ...state.replies, [key]: updated } };
}

export function mapReplies(
  replies: ChatState["replies"],
  change: (reply: Reply, key: string) => Reply | null,
): ChatState["replies"] {
  const changed = Object.entries(replies).flatMap(([key, reply]) => {
    const next = change(reply, key);
    return next === null ? [] : [[key, next] as const];
  });
  return Object.fromEntries(changed);
}

export function startDraft(state: ChatState, isTemporary = false): ChatState {
  const draftCount = state.draftCount + 1;
  const draft = `draft:${draftCount}`;
  const next = { ...state, draft, draftCount, notice: null };
  return isTemporary
    ? updateTranscript(next, draft, (transcript) => ({ ...transcript, isTemporary: true }))
    : next;
}

/** A transcript gets another name, and its replies follow. */
export function moveTranscript(
  state: ChatState,
  from: TranscriptKey,
  to: TranscriptKey,
): ChatState {
  const { [from]: transcript, ...others } = state.transcripts;
  if (from === to || transcript === undefined) return state;
  const replies = mapReplies(state.replies, (reply) =>
    reply.transcript === from ? { ...reply, transcript: to } : reply,
  );
  const moved = { ...state, transcripts: { ...others, [to]: transcript }, replies };
  return from === state.draft ? startDraft(moved) : moved;
}
