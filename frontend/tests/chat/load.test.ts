import { describe, expect, it } from "vitest";
import { chatReducer } from "@/lib/chat/reducer";
import { visibleText } from "@/lib/chat/selectors";
import {
  accepted,
  done,
  generation,
  reduce,
  replyOf,
  started,
  stored,
  token,
} from "../fakes/builders";

const QUESTION = stored({ id: 40, content: "hi" });

function answer(status: "running" | "completed" | "failed", content: string) {
  const run = generation({ status, finishReason: status === "completed" ? "stop" : null });
  return stored({ id: 41, role: "assistant", content, parent: 40, generation: run });
}

function loaded(message: ReturnType<typeof answer>) {
  return {
    type: "load_finished",
    conversation: 12,
    page: { messages: [QUESTION, message], hasOlder: false },
  } as const;
}

describe("loading a conversation", () => {
  it("keeps no reply for an answer that is simply complete", () => {
    const state = reduce([loaded(answer("completed", "Hello"))]);
    expect(state.replies).toEqual({});
    expect(state.transcripts["c:12"]?.messages.at(-1)?.text).toBe("Hello");
  });

  it("shows the snapshot of a running answer until the replayed stream passes it", () => {
    let state = reduce([loaded(answer("running", "Once upon"))]);
    const key = "m:41";
    expect(visibleText(replyOf(state, key))).toBe("Once upon");
    state = chatReducer(state, token(0, "Once"));
    expect(visibleText(replyOf(state, key))).toBe("Once upon");
    state = reduce([token(1, " upon"), token(2, " a time")], state);
    expect(visibleText(replyOf(state, key))).toBe("Once upon a time");
  });

  it("can ask again after a failed answer", () => {
    const state = reduce([loaded(answer("failed", ""))]);
    expect(replyOf(state, "m:41")).toMatchObject({ status: "failed", prompt: "hi" });
  });

  it("keeps what the stream has told already", () => {
    const streaming = reduce([
      { type: "prompt_sent", transcript: "c:12", clientId: "c1", text: "hi" },
      accepted({ conversation: 12, user_message: 40, assistant_message: 41 }),
      token(0, "Once"),
      token(1, " upon"),
    ]);
    const state = chatReducer(streaming, loaded(answer("running", "Once")));
    expect(replyOf(state)).toMatchObject({ text: "Once upon", nextSeq: 2 });
    expect(state.transcripts["c:12"]?.messages.map((message) => message.key)).toEqual([
      "u:c1",
      "a:c1",
    ]);
    const ended = reduce([done("Once upon a time"), loaded(answer("running", "Once"))], state);
    expect(replyOf(ended)).toMatchObject({ status: "completed", text: "Once upon a time" });
  });

  it("keeps what only the stream says of a finished answer", () => {
    const state = reduce([
      { type: "prompt_sent", transcript: "c:12", clientId: "c1", text: "hi" },
      accepted({ conversation: 12, user_message: 40, assistant_message: 41 }),
      started("1-0", 2),
      done("Hello"),
      loaded(answer("completed", "Hello")),
    ]);
    expect(replyOf(state).contextTrimmed).toBe(2);
  });

  it("leaves a prompt on the page that the server has not accepted yet", () => {
    const state = reduce([
      { type: "prompt_sent", transcript: "c:12", clientId: "c9", text: "and you?" },
      loaded(answer("completed", "Hello")),
    ]);
    expect(state.transcripts["c:12"]?.messages.map((message) => message.text)).toEqual([
      "hi",
      "Hello",
      "and you?",
      "",
    ]);
  });
});
