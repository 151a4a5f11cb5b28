/** Merges a conversation read from the API with what the stream has already told about it. */
import type { FinishReason } from "./events";
import {
  type ChatState,
  EMPTY_TRANSCRIPT,
  isSettled,
  type Message,
  NEW_REPLY,
  type Reply,
  type TranscriptKey,
} from "./state";
import type { GenerationSummary, StoredMessage } from "@/lib/api/conversations";

export function loadConversation(
  state: ChatState,
  key: TranscriptKey,
  stored: readonly StoredMessage[],
): ChatState {
  const current = state.transcripts[key] ?? EMPTY_TRANSCRIPT;
  const known = new Map(current.messages.map((message) => [message.id, message]));
  const replies = { ...state.replies };
  const byGeneration = { ...state.byGeneration };
  const messages: Message[] = stored.map((message, index) => {
    const messageKey = known.get(message.id)?.key ?? `m:${message.id}`;
    const reply = replyFor(replies[messageKey], message, key, stored[index - 1]?.content ?? "");
    if (reply) replies[messageKey] = reply;
    else delete replies[messageKey];
    if (reply?.generation) byGeneration[reply.generation] = messageKey;
    return { key: messageKey, role: message.role, id: message.id, text: message.content };
  });
  // Prompts the server has not accepted yet are on this page only.
  const unsent = current.messages.filter((message) => message.id === null);
  const transcript = { ...current, messages: [...messages, ...unsent], load: "ready" as const };
  return {
    ...state,
    transcripts: { ...state.transcripts, [key]: { ...transcript, failure: null } },
    replies,
    byGeneration,
  };
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
  if (known?.generation === generation.id && (isLive || isSettled(known))) return known;
  if (isPlain(generation)) return undefined;
  return {
    ...NEW_REPLY,
    transcript,
    prompt,
    generation: generation.id,
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
  return { finishReason: (generation.finishReason || null) as FinishReason | null, failure };
}
