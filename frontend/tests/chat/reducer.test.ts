import { describe, expect, it } from "vitest";
import { chatReducer } from "@/lib/chat/reducer";
import { INITIAL_STATE } from "@/lib/chat/state";
import { accepted, askedState, done, GENERATION, reduce, replyOf, started, token } from "../fakes/builders";

describe("a reply from prompt to end", () => {
  it("goes from sending through queued and running to completed", () => {
    let state = reduce([
      { type: "prompt_sent", transcript: "draft:0", clientId: "c1", text: "hi" },
    ]);
    expect(replyOf(state).status).toBe("sending");
    state = chatReducer(state, accepted());
    expect(replyOf(state).status).toBe("queued");
    state = chatReducer(state, {
      type: "queued",
      generation: GENERATION,
      position: 2,
      eta_s: 3.5,
    });
    expect(replyOf(state).queue).toEqual({ position: 2, etaS: 3.5 });
    state = reduce([token(0, "Hel"), token(1, "lo")], state);
    expect(replyOf(state)).toMatchObject({ status: "running", text: "Hello", cursor: "1-0" });
    expect(replyOf(state).queue).toBeNull();
    state = chatReducer(state, done("Hello!"));
    expect(replyOf(state)).toMatchObject({ status: "completed", text: "Hello!" });
  });

  it("keeps the partial text of a stopped answer", () => {
    const state = reduce([token(0, "Once"), done("Once", "cancelled")], askedState());
    expect(replyOf(state)).toMatchObject({ status: "cancelled", text: "Once" });
  });

  it("keeps the partial text when the answer fails", () => {
    const failed = reduce(
      [
        token(0, "Once"),
        {
          type: "error",
          code: "worker_lost",
          detail: "Lost.",
          generation: GENERATION,
          client_id: null,
          retry_after: null,
        },
      ],
      askedState(),
    );
    expect(replyOf(failed)).toMatchObject({ status: "failed", text: "Once" });
    expect(replyOf(failed).failure?.code).toBe("worker_lost");
  });

  it("goes back to the queue when its worker is lost, and keeps its text", () => {
    const state = reduce(
      [token(0, "Once"), { type: "queued", generation: GENERATION, position: 1, eta_s: null }],
      askedState(),
    );
    expect(replyOf(state)).toMatchObject({ status: "queued", text: "Once", nextSeq: 1 });
  });
});

describe("events out of order", () => {
  it("changes nothing at all on a duplicate", () => {
    const state = reduce([token(0, "a"), token(1, "b")], askedState());
    expect(chatReducer(state, token(0, "a"))).toBe(state);
    expect(chatReducer(state, token(1, "b"))).toBe(state);
  });

  it("changes nothing at all after the end", () => {
    const state = reduce([token(0, "a"), done("a")], askedState());
    expect(chatReducer(state, token(1, "b"))).toBe(state);
    expect(chatReducer(state, done("something else"))).toBe(state);
  });

  it("marks a gap and waits for the missing token", () => {
    const gap = reduce([token(0, "a"), token(2, "c")], askedState());
    expect(replyOf(gap)).toMatchObject({ text: "a", hasGap: true, cursor: "0-0" });
    const repaired = reduce([token(1, "b"), token(2, "c")], gap);
    expect(replyOf(repaired)).toMatchObject({ text: "abc", hasGap: false });
  });

  it("takes the whole text from the end, gap or not", () => {
    const state = reduce([token(0, "a"), token(2, "c"), done("abc")], askedState());
    expect(replyOf(state)).toMatchObject({ text: "abc", hasGap: false, status: "completed" });
  });

  it("ignores generations it does not know", () => {
    const state = askedState();
    expect(chatReducer(state, token(0, "x", "another"))).toBe(state);
  });
});

describe("errors", () => {
  const error = { type: "error", detail: "", retry_after: null } as const;

  it("blames the refused prompt, not the running answer that the error also names", () => {
    const state = reduce(
      [
        { type: "prompt_sent", transcript: "draft:0", clientId: "c2", text: "and you?" },
        { ...error, code: "generation_running", generation: GENERATION, client_id: "c2" },
      ],
      askedState(),
    );
    expect(replyOf(state, "a:c2").status).toBe("failed");
    expect(replyOf(state, "a:c1").status).toBe("queued");
  });

  it("shows an error that belongs to no message as a notice", () => {
    const state = chatReducer(INITIAL_STATE, {
      ...error,
      code: "invalid",
      generation: null,
      client_id: null,
    });
    expect(state.notice?.code).toBe("invalid");
  });
});

describe("conversations", () => {
  it("moves a draft under its id when the server has made the conversation", () => {
    const state = reduce([
      { type: "prompt_sent", transcript: "draft:0", clientId: "c1", text: "hi" },
      accepted({ conversation: 12, user_message: 40, assistant_message: 41 }),
      token(0, "Hello"),
    ]);
    expect(state.transcripts["draft:0"]).toBeUndefined();
    expect(state.transcripts["c:12"]?.messages.map((message) => message.id)).toEqual([40, 41]);
    expect(replyOf(state)).toMatchObject({ transcript: "c:12", text: "Hello" });
    expect(state.draft).toBe("draft:1");
  });

  it("drops a question together with its answer", () => {
    const state = reduce([{ type: "exchange_dropped", reply: "a:c1" }], askedState());
    expect(state.transcripts["draft:0"]?.messages).toEqual([]);
    expect(state.replies).toEqual({});
  });

  it("remembers a change that is told while an answer is followed here", () => {
    const changed = { type: "conversation_changed", conversation: 12 } as const;
    const state = reduce([
      { type: "prompt_sent", transcript: "c:12", clientId: "c1", text: "hi" },
      changed,
    ]);
    expect(state.transcripts["c:12"]?.isStale).toBe(true);
    const settled = reduce([accepted({ conversation: 12 }), done("Hello")], state);
    expect(settled.transcripts["c:12"]?.isStale).toBe(true);
    expect(chatReducer(INITIAL_STATE, changed)).toBe(INITIAL_STATE);
  });

  it("empties a conversation that was deleted elsewhere", () => {
    const failure = { code: "not_found", detail: "", retryAfterS: null };
    const state = reduce([
      { type: "prompt_sent", transcript: "c:12", clientId: "c1", text: "hi" },
      { type: "load_failed", conversation: 12, failure },
    ]);
    expect(state.transcripts["c:12"]).toMatchObject({ load: "failed", messages: [] });
  });
});

describe("a reply that begins again", () => {
  it("takes the new words for the old ones", () => {
    let state = reduce([started("1-0"), tokenAt("2-0", 0, "Once "), tokenAt("3-0", 1, "upon")], askedState());
    state = reduce([started("9-0"), tokenAt("10-0", 0, "Once upon")], state);
    expect(replyOf(state)).toMatchObject({ text: "Once upon", nextSeq: 1, cursor: "10-0" });
    state = reduce([tokenAt("11-0", 1, " a time")], state);
    expect(replyOf(state).text).toBe("Once upon a time");
  });

  it("shows the old words until the new ones have come", () => {
    const state = reduce([started("1-0"), tokenAt("2-0", 0, "Once"), started("9-0")], askedState());
    expect(replyOf(state)).toMatchObject({ text: "", snapshot: "Once", nextSeq: 0 });
  });

  it("is not begun again by a repeated or late start", () => {
    const state = reduce([started("1-0"), tokenAt("2-0", 0, "Once"), started("1-0")], askedState());
    expect(replyOf(state)).toMatchObject({ text: "Once", nextSeq: 1, cursor: "2-0" });
  });
});

function tokenAt(id: string, seq: number, text: string) {
  return { ...token(seq, text), id };
}
