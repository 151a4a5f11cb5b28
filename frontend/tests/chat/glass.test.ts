import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GIVEN, type TokenTrace } from "@/lib/chat/events";
import {
  alignTokens,
  alternativesOf,
  likelihoodWords,
  paragraphsOf,
  percent,
  pieceProbability,
  spelled,
  spoken,
  tintLevel,
} from "@/lib/chat/glass";

const encoder = new TextEncoder();

function token(text: string, logprob = -0.1, id = 7): TokenTrace {
  return { id, text, logprob, top: [] };
}

/** As the server tells them: each token's bytes read by themselves. */
function cut(text: string, cuts: readonly number[]): TokenTrace[] {
  const bytes = encoder.encode(text);
  const places = [...new Set(cuts.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  const edges = [0, ...places.filter((place) => place > 0 && place < bytes.length), bytes.length];
  return edges.slice(1).map((end, index) => {
    const part = bytes.slice(edges[index], end);
    return token(new TextDecoder("utf-8", { ignoreBOM: true }).decode(part), -index, index);
  });
}

function joined(pieces: readonly { readonly text: string }[]): string {
  return pieces.map(({ text }) => text).join("");
}

const anyText = fc.oneof(
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 }),
  fc.string({ unit: fc.constantFrom("a", " ", "é", "日", "本", "🙂", "\n"), minLength: 1 }),
);
const cuts = fc.array(fc.nat(400), { maxLength: 60 });

describe("alignTokens", () => {
  it("gives back the text and every token, wherever its bytes were cut", () => {
    fc.assert(
      fc.property(anyText, cuts, (text, places) => {
        const tokens = cut(text, places);
        const pieces = alignTokens(text, tokens);
        expect(joined(pieces)).toBe(text);
        expect(pieces.flatMap((piece) => piece.tokens)).toEqual(tokens);
        for (const { text: shown, tokens: made } of pieces) {
          const own = made.map((each) => each.text).join("");
          if (!own.includes("\ufffd")) expect(shown).toBe(own);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("gives back whatever text, also one that is cut or not theirs", () => {
    fc.assert(
      fc.property(anyText, anyText, cuts, fc.nat(60), (text, other, places, length) => {
        const tokens = cut(text, places);
        for (const shown of [text.slice(0, length), `${text}${other}`, other]) {
          expect(joined(alignTokens(shown, tokens))).toBe(shown);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("keeps what it has shown while the text grows", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 40 }), cuts, (text, places) => {
        const tokens = cut(text, places);
        const whole = alignTokens(text, tokens);
        let shown = "";
        tokens.forEach(({ text: more }, index) => {
          shown += more;
          const pieces = alignTokens(shown, tokens.slice(0, index + 1));
          expect(pieces).toEqual(whole.slice(0, index + 1));
        });
      }),
    );
  });

  it("knows where each piece begins and which token it is", () => {
    const pieces = alignTokens("Hi 🙂!", cut("Hi 🙂!", [2, 4, 5, 7]));
    expect(pieces.map(({ text, start, at }) => [text, start, at])).toEqual([
      ["Hi", 0, 0],
      [" 🙂", 2, 1],
      ["!", 5, 4],
    ]);
    expect(pieces[1]?.tokens).toHaveLength(3);
  });

  it("lets the blank before an answer go", () => {
    const pieces = alignTokens("Hi you", [token(" Hi"), token(" you")]);
    expect(pieces.map(({ text }) => text)).toEqual(["Hi", " you"]);
  });

  it("cuts a token that a stop string has cut", () => {
    const pieces = alignTokens("one ", [token("one"), token(" two"), token(" three")]);
    expect(pieces.map(({ text, at }) => [text, at])).toEqual([["one", 0], [" ", 1]]);
  });

  it("leaves words without a token as they are", () => {
    const given = { ...token("Once upon"), id: GIVEN };
    const pieces = alignTokens("Once upon a time", [given, token(" a")]);
    expect(pieces.map(({ text, at }) => [text, at])).toEqual([
      ["Once upon", null],
      [" a", 1],
      [" time", null],
    ]);
  });

  it("is quick with much that could mean several things", () => {
    const text = "éééééééé ".repeat(30);
    const bytes = Array.from({ length: encoder.encode(text).length }, (_, place) => place);
    const tokens = cut(text, bytes.filter((place) => place % 3 !== 0));
    const wrong = `${text.slice(0, -1)}x`;
    expect(joined(alignTokens(text, tokens))).toBe(text);
    expect(joined(alignTokens(wrong, tokens))).toBe(wrong);
  });
});

describe("paragraphsOf", () => {
  it("shows what the page shows without the glass", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("a", "b", " ", "\n"), maxLength: 40 }),
        cuts,
        (text, places) => {
          const plain = text.trim() === "" ? [] : text.trim().split(/\n\s*\n/);
          const shown = paragraphsOf(text, alignTokens(text, cut(text, places)));
          expect(shown.map(joined)).toEqual(plain);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("probabilities", () => {
  it("have words and tints in the same steps", () => {
    expect([1, 0.9, 0.6, 0.3, 0.1, 0.01, 0].map(tintLevel)).toEqual([0, 0, 1, 2, 3, 4, 4]);
    expect(likelihoodWords(0.97)).toBe("almost certain");
    expect(likelihoodWords(0.12)).toBe("one of several");
  });

  it("are told with as many digits as matter", () => {
    expect([1, 0.9994, 0.814, 0.0994, 0.034, 0.0004].map(percent)).toEqual([
      "100%", "99.9%", "81%", "9.9%", "3.4%", "under 0.1%",
    ]);
  });

  it("of a character in parts are those of all its parts", () => {
    const piece = { text: "é", start: 0, at: 0, tokens: [token("\ufffd", -1), token("\ufffd", -2)] };
    expect(pieceProbability(piece)).toBeCloseTo(Math.exp(-3));
  });
});

describe("alternatives", () => {
  const top = [
    { id: 1, text: " a", logprob: -0.5 },
    { id: 2, text: " b", logprob: -1.5 },
  ];

  it("name the chosen one among them", () => {
    const shown = alternativesOf({ id: 2, text: " b", logprob: -1.5, top });
    expect(shown.map(({ id, isChosen }) => [id, isChosen])).toEqual([[1, false], [2, true]]);
  });

  it("have the chosen one where it was not among the likeliest", () => {
    const shown = alternativesOf({ id: 9, text: " z", logprob: -5, top });
    expect(shown.map(({ id, isChosen }) => [id, isChosen])).toEqual([
      [1, false], [2, false], [9, true],
    ]);
  });

  it("are spelled for eyes and for ears", () => {
    const texts = [" a", "ing", ",", " ", "\n", ".\n", "<|end|>", "<|user|>", "\ufffd"];
    expect(texts.map((text) => spelled(text))).toEqual([
      "a", "…ing", ",", "␣", "↵", ".↵",
      "end of the answer", "a mark of the format", "part of a character",
    ]);
    expect(spelled("Once", true)).toBe("Once");
    expect([" a", "\n\n", " ", "<|end|>"].map(spoken)).toEqual([
      "a", "line break", "blank", "end of the answer",
    ]);
  });
});
