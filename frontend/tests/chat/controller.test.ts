import { beforeEach, describe, expect, it, vi } from "vitest";
import type { StoredMessage } from "@/lib/api/conversations";
import { ApiError } from "@/lib/api/errors";
import { ChatController, type ChatControllerOptions } from "@/lib/chat/controller";
import type { ClientMessage, ServerEvent } from "@/lib/chat/events";
import { accepted, done, generation, GENERATION, replyOf, stored, token } from "../fakes/builders";

const READY: ServerEvent = { type: "ready", user: null, limits: {} };

let sent: ClientMessage[];
let messages: readonly StoredMessage[];
const onDraftStored = vi.fn<(conversation: number) => void>();
const onConversationsChanged = vi.fn<() => void>();

function options(overrides: Partial<ChatControllerOptions> = {}): ChatControllerOptions {
  return {
    send: (message) => sent.push(message) > 0,
    loadPage: async () => ({ messages, hasOlder: false }),
    showBranch: async () => undefined,
    keepChat: () => Promise.reject(new ApiError(503, "unavailable", "")),
    onDraftStored,
    onConversationsChanged,
    ...overrides,
  };
}

function createController(): ChatController {
  return new ChatController(options());
}

/** Hands events over and lets the frame pass in which they are applied. */
function serve(chat: ChatController, ...events: readonly ServerEvent[]): void {
  events.forEach((event) => chat.receive(event));
  vi.advanceTimersByTime(300);
}

function ask(chat: ChatController, text = "hi"): string {
  chat.send(chat.state.get().draft, text);
  const prompt = sent.at(-1);
  return prompt?.type === "prompt" ? prompt.client_id : "";
}

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  messages = [];
  onDraftStored.mockReset();
  onConversationsChanged.mockReset();
});

describe("sending", () => {
  it("sends a guest's earlier turns along", () => {
    const chat = createController();
    const first = ask(chat, "my name is Ana");
    serve(chat, accepted({ client_id: first }), done("Hello Ana!"));
    ask(chat, "what is my name?");
    expect(sent.at(-1)).toMatchObject({
      text: "what is my name?",
      history: [
        { role: "user", content: "my name is Ana" },
        { role: "assistant", content: "Hello Ana!" },
      ],
    });
  });

  it("sends no history for a member and names the conversation from the second prompt on", () => {
    const chat = createController();
    chat.reset({ isGuest: false });
    const first = ask(chat);
    expect(sent.at(-1)).not.toHaveProperty("history");
    expect(sent.at(-1)).not.toHaveProperty("conversation");
    serve(chat, accepted({ client_id: first, conversation: 12 }), done("Hello"));
    expect(onDraftStored).toHaveBeenCalledExactlyOnceWith(12);
    expect(onConversationsChanged).toHaveBeenCalled();
    chat.send("c:12", "and you?");
    expect(sent.at(-1)).toMatchObject({ conversation: 12 });
  });

  it("does not pull somebody back who has begun another chat meanwhile", () => {
    const chat = createController();
    chat.reset({ isGuest: false });
    const first = ask(chat);
    chat.startDraft();
    serve(chat, accepted({ client_id: first, conversation: 12 }));
    expect(onDraftStored).not.toHaveBeenCalled();
    expect(chat.state.get().transcripts["c:12"]?.messages).toHaveLength(2);
  });
});

describe("after a reconnection", () => {
  it("sends an unaccepted prompt again with the same client id", () => {
    const chat = createController();
    const clientId = ask(chat);
    serve(chat, READY);
    expect(sent.filter((message) => message.type === "prompt")).toHaveLength(2);
    expect(sent.at(-1)).toMatchObject({ client_id: clientId });
  });

  it("resumes a running answer after the last token that was seen", () => {
    const chat = createController();
    const clientId = ask(chat);
    serve(chat, accepted({ client_id: clientId }), token(0, "He"), token(1, "llo"));
    serve(chat, READY);
    expect(sent.at(-1)).toEqual({ type: "resume", generation: GENERATION, after: "1-0" });
  });

  it("counts tokens that wait for the next frame as seen", () => {
    const chat = createController();
    const clientId = ask(chat);
    serve(chat, accepted({ client_id: clientId }));
    chat.receive(token(0, "Hello"));
    chat.receive(READY);
    expect(sent.at(-1)).toEqual({ type: "resume", generation: GENERATION, after: "0-0" });
  });

  it("leaves finished answers alone", () => {
    const chat = createController();
    const clientId = ask(chat);
    serve(chat, accepted({ client_id: clientId }), done("Hello"));
    sent = [];
    serve(chat, READY);
    expect(sent).toEqual([]);
  });
});

describe("gaps", () => {
  it("asks once for what is missing, then from the start until the hole is filled", () => {
    const chat = createController();
    const clientId = ask(chat);
    serve(chat, accepted({ client_id: clientId }), token(0, "a"), token(2, "c"), token(3, "d"));
    const resumes = () => sent.filter((message) => message.type === "resume");
    expect(resumes()).toEqual([{ type: "resume", generation: GENERATION, after: "0-0" }]);
    vi.advanceTimersByTime(3_000);
    expect(resumes().at(-1)).toEqual({ type: "resume", generation: GENERATION });
    serve(chat, token(1, "b"), token(2, "c"), token(3, "d"));
    const count = resumes().length;
    vi.advanceTimersByTime(60_000);
    expect(resumes()).toHaveLength(count);
  });
});

describe("stopping", () => {
  it("cancels a running answer", () => {
    const chat = createController();
    const clientId = ask(chat);
    serve(chat, accepted({ client_id: clientId }), token(0, "Once"));
    chat.stop(`a:${clientId}`);
    expect(sent.at(-1)).toEqual({ type: "cancel", generation: GENERATION });
  });

  it("waits with the cancel until the server has named the answer", () => {
    const chat = createController();
    const clientId = ask(chat);
    chat.stop(`a:${clientId}`);
    expect(sent.some((message) => message.type === "cancel")).toBe(false);
    serve(chat, accepted({ client_id: clientId }));
    expect(sent.at(-1)).toEqual({ type: "cancel", generation: GENERATION });
  });
});

describe("asking again", () => {
  it("replaces a refused prompt and takes a new client id", () => {
    const chat = createController();
    const clientId = ask(chat);
    serve(chat, {
      type: "error",
      code: "queue_full",
      detail: "",
      generation: null,
      client_id: clientId,
      retry_after: 4,
    });
    chat.retry(`a:${clientId}`);
    expect(chat.state.get().transcripts["draft:0"]?.messages).toHaveLength(2);
    expect(sent.at(-1)).toMatchObject({ type: "prompt", text: "hi" });
    expect(sent.at(-1)).not.toMatchObject({ client_id: clientId });
  });
});

describe("opening a conversation", () => {
  const running = generation({ status: "running", finishReason: null });
  const halfAnswered = [
    stored({ id: 40, content: "hi" }),
    stored({ id: 41, role: "assistant", content: "He", parent: 40, generation: running }),
  ];

  it("resumes an answer that is still being written, from its start", async () => {
    const chat = createController();
    messages = halfAnswered;
    await chat.open(12);
    expect(sent).toEqual([{ type: "resume", generation: GENERATION }]);
    serve(chat, token(0, "He"), token(1, "llo"), done("Hello"));
    expect(replyOf(chat.state.get(), "m:41")).toMatchObject({ status: "completed", text: "Hello" });
  });

  it("reads it once", async () => {
    const chat = createController();
    const load = vi.fn(async () => ({ messages, hasOlder: false }));
    const counting = new ChatController(options({ loadPage: load }));
    await Promise.all([counting.open(12), counting.open(12)]);
    await counting.open(12);
    expect(load).toHaveBeenCalledTimes(1);
    expect(chat.state.get().transcripts).toEqual({});
  });

  it("drops an answer of the API that arrives after the person has signed out", async () => {
    const chat = createController();
    messages = halfAnswered;
    const opening = chat.open(12);
    chat.reset({ isGuest: true });
    await opening;
    expect(chat.state.get().transcripts).toEqual({});
    expect(sent).toEqual([]);
  });

  it("says why it could not be read", async () => {
    const chat = new ChatController(
      options({ loadPage: () => Promise.reject(new ApiError(404, "not_found", "Not found.")) }),
    );
    await chat.open(12);
    expect(chat.state.get().transcripts["c:12"]).toMatchObject({
      load: "failed",
      failure: { code: "not_found" },
    });
  });
});
