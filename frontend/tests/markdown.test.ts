import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { closeOpenMarks, hasMarks, safeHref, withoutMarks } from "@/lib/markdown";

describe("hasMarks", () => {
  it.each(["**bold**", "a\n- b", "1. one", "# Title", "`code`", "see https://a.eu", "| a | b |", "> so"])(
    "sees them in %j",
    (text) => expect(hasMarks(text)).toBe(true),
  );

  it.each(["Hello! I'm well, thanks.", "It costs 3.50 and 4 - 2 is 2.", "a # b", "I <3 you", ""])(
    "leaves %j plain",
    (text) => expect(hasMarks(text)).toBe(false),
  );
});

describe("closeOpenMarks", () => {
  it.each([
    ["so **bo", "so **bo**"],
    ["so **bold** it", "so **bold** it"],
    ["so **", "so "],
    ["run `npm i", "run `npm i`"],
    ["**done**\n\nthen **more", "**done**\n\nthen **more**"],
    ["```py\na = **b", "```py\na = **b"],
  ])("makes %j %j", (text, closed) => expect(closeOpenMarks(text)).toBe(closed));

  it("only touches marks at the end", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("a", " ", "*", "`", "\n", "-") }), (text) => {
        const letters = (value: string) => value.replace(/[^a]/g, "");
        expect(letters(closeOpenMarks(text))).toBe(letters(text));
      }),
    );
  });
});

describe("safeHref", () => {
  it.each(["javascript:alert(1)", " JaVa\tScRiPt:alert(1)", "data:text/html,x", "file:///x", "//a.eu", "/x", ""])(
    "refuses %j",
    (value) => expect(safeHref(value)).toBeNull(),
  );

  it.each(["https://a.eu/", "http://a.eu/?b=1#c", "mailto:a@b.eu"])("takes %j", (value) =>
    expect(safeHref(value)).toBe(value),
  );
});

it("withoutMarks leaves what a voice should read", () => {
  const text = "# Tea\n- **Boil** the `water`\n- see [this](https://a.eu)\n```js\nx\n```\n|a|b|\n|-|-|\n";
  expect(withoutMarks(text)).toMatch(/^Tea\nBoil the water\nsee this\n\nx\n\nab\n/);
});
