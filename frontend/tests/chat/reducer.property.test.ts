import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chatReducer } from "@/lib/chat/reducer";
import type { ChatState } from "@/lib/chat/state";
import { askedState, done, replyOf, token } from "../fakes/builders";

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
