import { describe, expect, it } from "vitest";
import { askedState, done, reduce, replyOf, started, stored, token } from "../fakes/builders";
import { parseServerEvent } from "@/lib/chat/events";
import { visibleText } from "@/lib/chat/selectors";
import { messageFromStored } from "@/lib/chat/state";
import { describeFailure } from "@/lib/failure";

const NOTICE = { category: "crisis", text: "You are not alone: https://findahelpline.com." };

function refused(client_id = "c1") {
  return parseServerEvent(
    JSON.stringify({
      type: "error",
      code: "refused",
      detail: "This message cannot be answered here.",
      category: "private",
      notice: "Leave out the number.",
      client_id,
    }),
  );
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
    const event = refused();
    if (event?.type !== "error") throw new Error("not understood");
    const state = reduce([event], asked);
    expect(state.transcripts["draft:0"]?.messages).toEqual([]);
    expect(state.refusedPrompt).toEqual({
      transcript: "draft:0",
      text: "4111…",
      notice: { category: "private", text: "Leave out the number." },
    });
    const next = reduce(
      [{ type: "prompt_sent", transcript: "draft:0", clientId: "c2", text: "hi" }],
      state,
    );
    expect(next.refusedPrompt).toBeNull();
    expect(reduce([{ type: "notice_dismissed" }], state).refusedPrompt).toBeNull();
  });

  it("is described by the rule's own words", () => {
    const data = { code: "refused", category: "private", notice: "Leave out the number." };
    const failure = { code: "refused", detail: "", retryAfterS: null, data };
    expect(describeFailure(failure)).toBe("Leave out the number.");
  });
});
