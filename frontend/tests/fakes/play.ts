import { vi } from "vitest";
import { ApiError } from "@/lib/api/errors";
import { ChatController, type ChatControllerOptions } from "@/lib/chat/controller";
import type { ClientMessage, ServerEvent } from "@/lib/chat/events";
import { transcriptOf, messageText } from "@/lib/chat/selectors";
import type { TranscriptKey } from "@/lib/chat/state";

export const READY: ServerEvent = { type: "ready", user: null, limits: {} };

/** A controller whose server is the test. Needs fake timers. */
export function play(overrides: Partial<ChatControllerOptions> = {}) {
  const sent: ClientMessage[] = [];
  const onDraftStored = vi.fn<(conversation: number) => void>();
  const chat = new ChatController({
    send: (message) => sent.push(message) > 0,
    loadPage: () => Promise.reject(new ApiError(0, "network", "")),
    showBranch: async () => undefined,
    keepChat: () => Promise.reject(new ApiError(0, "network", "")),
    onDraftStored,
    onConversationsChanged: () => undefined,
    ...overrides,
  });
  /** Hands events over and lets the frame pass in which they are applied. */
  const serve = (...events: readonly ServerEvent[]): void => {
    events.forEach((event) => chat.receive(event));
    vi.advanceTimersByTime(300);
  };
  const texts = (key: TranscriptKey): readonly string[] =>
    transcriptOf(chat.state.get(), key).messages.map((message) =>
      messageText(chat.state.get(), message),
    );
  return { chat, sent, serve, texts, onDraftStored };
}

/** The client id of the newest request. */
export function clientIdOf(sent: readonly ClientMessage[]): string {
  const message = sent.findLast((candidate) => "client_id" in candidate);
  return message && "client_id" in message ? message.client_id : "";
}

export function refusal(clientId: string, code = "rate_limited"): ServerEvent {
  return {
    type: "error",
    code,
    detail: "",
    generation: null,
    client_id: clientId,
    retry_after: 4,
  };
}
