import { describe, expect, it } from "vitest";
import { guestHistory, liveReplyKey, queueLine } from "@/lib/chat/selectors";
import type { ChatAction } from "@/lib/chat/reducer";
import { accepted, done, GENERATION, reduce, token } from "../fakes/builders";

function exchange(n: number, question: string, answer: string): readonly ChatAction[] {
  const generation = `${GENERATION}-${n}`;
  const clientId = `c${n}`;
  return [
    { type: "prompt_sent", transcript: "draft:0", clientId, text: question },
    accepted({ generation, client_id: clientId }),
    { ...done(answer), generation },
  ];
}

describe("guestHistory", () => {
  it("gives whole exchanges in turn and leaves out what was not answered", () => {
    const state = reduce([
      ...exchange(1, "hi", "Hello"),
      ...exchange(2, "are you there?", ""),
      ...exchange(3, "your name?", "EuGPT"),
      { type: "prompt_sent", transcript: "draft:0", clientId: "c4", text: "thanks" },
    ]);
    expect(guestHistory(state, "draft:0")).toEqual([
      { role: "user", content: "hi" },
      { role: "assistant", content: "Hello" },
      { role: "user", content: "your name?" },
      { role: "assistant", content: "EuGPT" },
    ]);
  });

  it("keeps the newest exchanges within the server's bounds", () => {
    const many = Array.from({ length: 60 }, (_, n) => exchange(n, `q${n}`, `a${n}`)).flat();
    const turns = guestHistory(reduce(many), "draft:0");
    expect(turns.length).toBeLessThanOrEqual(40);
    expect(turns.at(-1)?.content).toBe("a59");
    expect(turns.at(0)?.role).toBe("user");
    const long = Array.from({ length: 9 }, (_, n) => exchange(n, "q", "x".repeat(3_000))).flat();
    const chars = guestHistory(reduce(long), "draft:0").reduce((n, t) => n + t.content.length, 0);
    expect(chars).toBeLessThanOrEqual(24_000);
  });
});

describe("liveReplyKey", () => {
  it("names the answer that is being written, and none after its end", () => {
    const asked = reduce([
      { type: "prompt_sent", transcript: "draft:0", clientId: "c1", text: "hi" },
      accepted(),
      token(0, "He"),
    ]);
    expect(liveReplyKey(asked, "draft:0")).toBe("a:c1");
    expect(liveReplyKey(reduce([done("Hello")], asked), "draft:0")).toBeNull();
  });
});

describe("queueLine", () => {
  it.each([
    [1, null, "Next in line"],
    [1, 0.4, "Next in line"],
    [2, 3.2, "2nd in line, about 4 s"],
    [3, 9, "3rd in line, about 9 s"],
    [11, 20, "11th in line, about 20 s"],
    [21, 40, "21st in line, about 40 s"],
  ])("says place %i and estimate %s", (position, etaS, line) => {
    expect(queueLine({ position, etaS })).toBe(line);
  });
});
