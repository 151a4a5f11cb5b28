import { describe, expect, it } from "vitest";
import { askedState, done, reduce, replyOf, started, stored, token } from "../fakes/builders";
import { parseServerEvent } from "@/lib/chat/events";
import { visibleText } from "@/lib/chat/selectors";
import { messageFromStored } from "@/lib/chat/state";
import { describeFailure } from "@/lib/failure";

const NOTICE = { category: "crisis", text: "You are not alone: https://findahelpline.com." };

function refused(more: object = {}) {
  const event = parseServerEvent(
    JSON.stringify({
      type: "error",
      code: "refused",
      detail: "This message cannot be answered here.",
      category: "private",
      notice: "Leave out the number.",
      client_id: "c1",
      ...more,
    }),
  );
  if (event?.type !== "error") throw new Error("not understood");
  return event;
}

describe("a reply that a safety rule replaces", () => {
  it("says the safe text in the place of all words before", () => {
    const state = reduce(
      [
        started("1-0"),
        { ...token(0, "You should"), id: "2-0" },
        // It begins again: the words before are gone.
        started("3-0"),
        { ...done("Please talk to somebody.", "filtered"), notice: NOTICE },
      ],
      askedState(),
    );
    const reply = replyOf(state);
    expect(visibleText(reply)).toBe("Please talk to somebody.");
    expect(reply).toMatchObject({ status: "completed", notice: NOTICE, tokens: [], snapshot: "" });
  });

  it("is understood as the server tells it, with and without a notice", () => {
    const frame = { type: "done", generation: "g", text: "x", finish_reason: "filtered" };
    expect(parseServerEvent(JSON.stringify({ ...frame, notice: NOTICE }))).toMatchObject({
      finish_reason: "filtered",
      notice: NOTICE,
    });
    expect(parseServerEvent(JSON.stringify({ ...frame, notice: null }))).toMatchObject({ notice: null });
  });

  it("keeps its notice over a reload", () => {
    const message = messageFromStored(stored({ id: 2, role: "assistant", notice: NOTICE }), "m:2");
    expect(message.notice).toEqual(NOTICE);
  });
});

describe("a prompt that a safety rule refuses", () => {
  it("leaves the page and waits to go back into the message field", () => {
    const asked = reduce([
      { type: "prompt_sent", transcript: "draft:0", clientId: "c1", text: "4111…" },
    ]);
    const state = reduce([refused()], asked);
    expect(state.transcripts["draft:0"]?.messages).toEqual([]);
    expect(state.refusedPrompt).toEqual({
      transcript: "draft:0",
      text: "4111…",
      notice: { category: "private", text: "Leave out the number." },
      about: "prompt",
    });
    const next = reduce(
      [{ type: "prompt_sent", transcript: "draft:0", clientId: "c2", text: "hi" }],
      state,
    );
    expect(next.refusedPrompt).toBeNull();
    expect(reduce([{ type: "notice_dismissed" }], state).refusedPrompt).toBeNull();
  });

  it("may be held back by what was said before", () => {
    const asked = reduce([{ type: "prompt_sent", transcript: "draft:0", clientId: "c1", text: "go on" }]);
    const state = reduce([refused({ earlier: true })], asked);
    expect(state.refusedPrompt).toMatchObject({ text: "go on", about: "earlier" });
  });

  it("is described by the rule's own words", () => {
    const data = { code: "refused", category: "private", notice: "Leave out the number." };
    const failure = { code: "refused", detail: "", retryAfterS: null, data };
    expect(describeFailure(failure)).toBe("Leave out the number.");
  });
});

describe("a prompt in a conversation that is gone", () => {
  const gone = refused({ code: "not_found", detail: "Not found.", category: undefined, notice: undefined });

  it("goes back into the message field, and the conversation is read again", () => {
    const asked = reduce([{ type: "prompt_sent", transcript: "c:5", clientId: "c1", text: "long words" }]);
    const state = reduce([gone], asked);
    expect(state.refusedPrompt).toMatchObject({ transcript: "c:5", text: "long words", about: "gone" });
    expect(state.transcripts["c:5"]).toMatchObject({ messages: [], isStale: true });
    expect(state.replies).toEqual({});
  });

  it("does so where the page has noticed already", () => {
    const failure = { code: "not_found", detail: "", retryAfterS: null };
    const state = reduce([
      { type: "prompt_sent", transcript: "c:5", clientId: "c1", text: "long words" },
      { type: "load_failed", conversation: 5, failure },
      gone,
    ]);
    expect(state.refusedPrompt).toMatchObject({ text: "long words", about: "gone" });
  });
});
