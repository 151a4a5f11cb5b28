import { describe, expect, it } from "vitest";
import { exchange } from "../fakes/test-app";
import type { ContextUsage } from "@/lib/api/context";
import { EMPTY_TRANSCRIPT, INITIAL_STATE, type Message } from "@/lib/chat/state";
import { lastOutside, messagesDownTo, storedQuestion, unstoredQuestion } from "@/lib/chat/window";

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

describe("the last message outside", () => {
  const messages = [...exchange("one", "1", 1), ...exchange("two", "2", 3)];
  const { keys } = storedQuestion(messages);

  function outside(told: ContextUsage): readonly string[] {
    return messagesDownTo(messages, lastOutside(messages, told, keys)).map(({ key }) => key);
  }

  it("is the one above the first that is seen", () => {
    expect(outside(usage([3, 4], [1, 2, 3, 4]))).toEqual(["m:1", "m:2"]);
  });

  it("has above it what the server does not name", () => {
    expect(outside(usage([4], [4]))).toEqual(["m:1", "m:2", "m:3"]);
  });

  it("is the last of all where none is seen", () => {
    expect(outside(usage([], [3, 4]))).toEqual(["m:1", "m:2", "m:3", "m:4"]);
  });

  it("is not there where all are seen, or none can be told", () => {
    expect(outside(usage([1, 2, 3, 4], [1, 2, 3, 4]))).toEqual([]);
    expect(outside(usage([], []))).toEqual([]);
    const tooLong = usage([], [1, 2, 3, 4]);
    expect(outside({ ...tooLong, draft: { ...tooLong.draft, fits: false } })).toEqual([]);
    // Above the loaded page: the whole page is inside.
    expect(outside(usage([9], [9]))).toEqual([]);
  });
});
