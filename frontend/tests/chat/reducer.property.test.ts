import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chatReducer } from "@/lib/chat/reducer";
import type { ChatState } from "@/lib/chat/state";
import { askedState, done, replyOf, started, token } from "../fakes/builders";

/** A text in pieces, and the order in which the network hands the pieces over. */
const delivery = fc
  .array(fc.string({ minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 30 })
  .chain((pieces) =>
    fc.record({
      pieces: fc.constant(pieces),
      // Indexes may repeat (duplicates), be missing (losses) and come in any order (late).
      order: fc.array(fc.nat({ max: pieces.length - 1 }), { maxLength: 80 }),
    }),
  );

/** The server's answer to `resume`: everything after the cursor. */
function resumeAfterCursor(state: ChatState, pieces: readonly string[]): ChatState {
  const { cursor } = replyOf(state);
  const from = cursor === null ? 0 : Number.parseInt(cursor, 10) + 1;
  return pieces
    .slice(from)
    .reduce((next, text, index) => chatReducer(next, token(from + index, text)), state);
}

describe("any order of duplicate, late and missing events", () => {
  it("never shows anything but a beginning of the text", () => {
    fc.assert(
      fc.property(delivery, ({ pieces, order }) => {
        let state = askedState();
        for (const seq of order) {
          state = chatReducer(state, token(seq, pieces[seq] ?? ""));
          const { text, nextSeq } = replyOf(state);
          expect(text).toBe(pieces.slice(0, nextSeq).join(""));
        }
      }),
    );
  });

  it("marks a gap exactly when a later token came before the next one", () => {
    fc.assert(
      fc.property(delivery, ({ pieces, order }) => {
        let state = askedState();
        let isAhead = false;
        for (const seq of order) {
          const { nextSeq } = replyOf(state);
          if (seq > nextSeq) isAhead = true;
          if (seq === nextSeq) isAhead = false;
          state = chatReducer(state, token(seq, pieces[seq] ?? ""));
          expect(replyOf(state).hasGap).toBe(isAhead);
        }
      }),
    );
  });

  it("gives the whole text after a resume", () => {
    fc.assert(
      fc.property(delivery, ({ pieces, order }) => {
        const before = order.reduce(
          (state, seq) => chatReducer(state, token(seq, pieces[seq] ?? "")),
          askedState(),
        );
        const after = replyOf(resumeAfterCursor(before, pieces));
        expect(after).toMatchObject({ text: pieces.join(""), hasGap: false });
      }),
    );
  });

  it("gives the stored text after the end, whatever comes behind it", () => {
    fc.assert(
      fc.property(delivery, fc.nat(), ({ pieces, order }, cut) => {
        const split = order.length === 0 ? 0 : cut % order.length;
        const tokens = order.map((seq) => token(seq, pieces[seq] ?? ""));
        const events = [
          ...tokens.slice(0, split),
          done(pieces.join("")),
          ...tokens.slice(split),
        ];
        const state = events.reduce<ChatState>(chatReducer, askedState());
        expect(replyOf(state)).toMatchObject({ text: pieces.join(""), status: "completed" });
      }),
    );
  });
});

/** Two attempts of the same words, cut differently; the second begins anew after `started`. */
const attempts = fc.record({
  text: fc.array(fc.string({ minLength: 1, maxLength: 4 }), { minLength: 2, maxLength: 20 }),
  seen: fc.nat({ max: 20 }),
  late: fc.array(fc.nat({ max: 19 }), { maxLength: 20 }),
  given: fc.nat({ max: 3 }),
});

describe("an answer that begins again", () => {
  it("gives the stored text and a trace of it, whatever comes late from before", () => {
    fc.assert(
      fc.property(attempts, ({ text, seen, late, given }) => {
        const first = text.map((piece, seq) => ({ ...token(seq, piece), id: `${seq + 2}-0` }));
        const pairs = text.flatMap((_, at) => (at % 2 ? [] : [text.slice(at, at + 2).join("")]));
        const second = pairs.map((piece, seq) => {
          const event = { ...token(seq, piece), id: `${seq + 101}-0` };
          const logprobs = [{ id: seq, text: piece, logprob: -1, top: [] }];
          return seq < given ? event : { ...event, logprobs };
        });
        let state = [...first.slice(0, seen), started("100-0")].reduce<ChatState>(
          chatReducer,
          chatReducer(askedState(), started("1-0")),
        );
        for (const [at, event] of second.entries()) {
          const old = first[late[at] ?? 0];
          if (old && seen > 0) state = chatReducer(state, old);
          state = chatReducer(state, event);
          const { tokens, text: shown } = replyOf(state);
          expect(shown).toBe(pairs.slice(0, at + 1).join(""));
          if (tokens.length > 0) expect(tokens.map((one) => one.text).join("")).toBe(shown);
        }
        const ended = replyOf(chatReducer(state, done(text.join(""))));
        expect(ended).toMatchObject({ text: text.join(""), status: "completed", snapshot: "" });
        if (given < pairs.length) expect(ended.tokens.length).toBeGreaterThan(0);
      }),
    );
  });
});
