import { describe, expect, it } from "vitest";
import { Announcer } from "@/lib/announcer";
import { NEW_REPLY, type Reply } from "@/lib/chat/state";

const BASE: Reply = { ...NEW_REPLY, transcript: "draft:0", prompt: "hi" };

function reply(changes: Partial<Reply>): Reply {
  return { ...BASE, ...changes };
}

function hearAll(announcer: Announcer, replies: readonly Partial<Reply>[]): readonly string[] {
  return replies.flatMap((changes) => announcer.hear("a:1", reply(changes)));
}

describe("what is read out of an answer", () => {
  it("is how it is doing, then each sentence once, then the rest", () => {
    const heard = hearAll(new Announcer(), [
      { status: "sending" },
      { status: "queued", queue: { position: 2, etaS: 4 } },
      { status: "queued", queue: { position: 2, etaS: 3 } },
      { status: "queued", queue: { position: 1, etaS: 1 } },
      { status: "running", text: "Hel" },
      { status: "running", text: "Hello there. How" },
      { status: "running", text: "Hello there. How are you? I am **fine**" },
      { status: "completed", text: "Hello there. How are you? I am **fine**." },
      { status: "completed", text: "Hello there. How are you? I am **fine**." },
    ]);
    expect(heard).toEqual([
      "Message sent.",
      "2nd in line, about 4 s.",
      "Next in line, about 1 s.",
      "EuGPT is answering.",
      "Hello there.",
      "How are you?",
      "I am fine.",
      "End of the answer.",
    ]);
  });

  it("is nothing of an answer that was there before", () => {
    const announcer = new Announcer();
    expect(announcer.hear("a:1", reply({ status: "completed", text: "Old. News." }))).toEqual([]);
    expect(announcer.hear("a:1", undefined)).toEqual([]);
  });

  it("goes on after a reload in mid-answer with what is new", () => {
    const heard = hearAll(new Announcer(), [
      { status: "running", snapshot: "First one. Second" },
      { status: "running", text: "First one. Second one. Third" },
    ]);
    expect(heard).toEqual(["EuGPT is answering.", "one."]);
  });

  it("says that an answer was stopped, cut short or has failed", () => {
    const failure = { code: "queue_full", detail: "", retryAfterS: null };
    const ends: [Partial<Reply>, string][] = [
      [{ status: "cancelled", text: "Half" }, "Stopped."],
      [{ status: "completed", text: "Half", finishReason: "length" }, "The answer was cut short."],
      [{ status: "failed", failure }, "Many people are chatting right now and the queue is full."],
    ];
    for (const [end, words] of ends) {
      expect(hearAll(new Announcer(), [{ status: "running" }, end]).at(-1)).toBe(words);
    }
  });
});
