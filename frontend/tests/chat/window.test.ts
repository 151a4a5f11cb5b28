import { describe, expect, it } from "vitest";
import { exchange } from "../fakes/test-app";
import type { ContextUsage } from "@/lib/api/context";
import { EMPTY_TRANSCRIPT, INITIAL_STATE, type Message } from "@/lib/chat/state";
import { firstInside, messagesAbove, storedQuestion, unstoredQuestion } from "@/lib/chat/window";

function usage(inside: readonly number[], ids: readonly number[]): ContextUsage {
  return {
    model: "eugpt-36m",
    limit: 384,
    reserved: 120,
    total: 100,
    draft: { tokens: 2, limit: 368, fits: true },
    messages: ids.map((id) => ({ id, tokens: 10, isInside: inside.includes(id) })),
  };
}

function stateOf(messages: readonly Message[]) {
  return { ...INITIAL_STATE, transcripts: { "draft:0": { ...EMPTY_TRANSCRIPT, messages } } };
}

describe("a chat that is not stored", () => {
  it("brings the newest exchanges along, each turn under its place", () => {
    const messages = Array.from({ length: 40 }, (_, n) => exchange(`q${n}`, `a${n}`)).flat();
    const { history, keys } = unstoredQuestion(stateOf(messages), "draft:0");
    expect(history.length).toBeGreaterThan(0);
    expect(history.length).toBeLessThan(80);
    expect(keys.size).toBe(history.length);
    const textOf = new Map(messages.map(({ key, text }) => [key, text]));
    expect([...keys.values()].map((key) => textOf.get(key))).toEqual(
      history.map(({ content }) => content),
    );
    expect(history.at(-1)?.content).toBe("a39");
  });

  it("leaves out what has no answer", () => {
    const messages = [...exchange("one", "1"), ...exchange("two", ""), ...exchange("three", "3")];
    const { history, keys } = unstoredQuestion(stateOf(messages), "draft:0");
    expect(history.map(({ content }) => content)).toEqual(["one", "1", "three", "3"]);
    expect([...keys.values()]).toEqual(["u:one", "a:one", "u:three", "a:three"]);
  });

  it("asks about nothing where nothing was said", () => {
    expect(unstoredQuestion(INITIAL_STATE, "draft:0")).toEqual({ history: [], keys: new Map() });
  });
});

describe("the first message inside", () => {
  const messages = [...exchange("one", "1", 1), ...exchange("two", "2", 3)];
  const { keys } = storedQuestion(messages);

  it("has the others above it", () => {
    const first = firstInside(usage([3, 4], [1, 2, 3, 4]), keys);
    expect(first).toBe("m:3");
    expect(messagesAbove(messages, first).map(({ key }) => key)).toEqual(["m:1", "m:2"]);
  });

  it("counts what the server does not name as outside", () => {
    expect(firstInside(usage([4], [4]), keys)).toBe("m:4");
  });

  it("has nothing above it where all are seen, or none can be told", () => {
    expect(messagesAbove(messages, firstInside(usage([1, 2, 3, 4], [1, 2, 3, 4]), keys))).toEqual(
      [],
    );
    expect(messagesAbove(messages, firstInside(usage([], [1, 2, 3, 4]), keys))).toEqual([]);
    // Above the loaded page: the whole page is inside.
    expect(messagesAbove(messages, firstInside(usage([9], [9]), keys))).toEqual([]);
  });
});
