import fc from "fast-check";
import { expect, it } from "vitest";
import { finishedSentences } from "@/lib/sentences";

it("holds a sentence back until another has begun", () => {
  expect(finishedSentences("Hello there", 0)).toEqual({ sentences: [], upTo: 0 });
  expect(finishedSentences("Hello there.", 0)).toEqual({ sentences: [], upTo: 0 });
  const text = "Hello there. How a";
  expect(finishedSentences(text, 0)).toEqual({ sentences: ["Hello there."], upTo: 13 });
  expect(finishedSentences(`${text}re you? I`, 13).sentences).toEqual(["How are you?"]);
});

it("does not end a sentence within a number", () => {
  expect(finishedSentences("It is 3.5 metres long", 0).sentences).toEqual([]);
});

it("however the text arrives, what was read out and the rest are the text", () => {
  const words = fc.array(fc.constantFrom("Hi", ". ", "! ", "Dr. ", "3.", "14", "\n", " and", "é", "?"));
  fc.assert(
    fc.property(words, (parts) => {
      const heard: string[] = [];
      let text = "";
      let upTo = 0;
      for (const part of parts) {
        text += part;
        const next = finishedSentences(text, upTo);
        heard.push(...next.sentences);
        expect(next.upTo).toBeGreaterThanOrEqual(upTo);
        upTo = next.upTo;
      }
      const solid = (value: string) => value.replace(/\s/g, "");
      expect(solid(heard.join("") + text.slice(upTo))).toBe(solid(text));
    }),
  );
});
