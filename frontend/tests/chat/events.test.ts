import { describe, expect, it } from "vitest";
import { parseServerEvent } from "@/lib/chat/events";

function parse(value: unknown) {
  return parseServerEvent(JSON.stringify(value));
}

describe("parseServerEvent", () => {
  it("reads each event and drops fields it does not use", () => {
    expect(parse({ type: "ready", user: null, limits: { message_chars: 4000 } })).toEqual({
      type: "ready",
      user: null,
      limits: { message_chars: 4000 },
    });
    expect(
      parse({ type: "token", generation: "g", id: "1-0", seq: 0, text: "Hi", ids: [7] }),
    ).toEqual({ type: "token", generation: "g", id: "1-0", seq: 0, text: "Hi" });
    expect(
      parse({
        type: "done",
        generation: "g",
        text: "Hi",
        finish_reason: "stop",
        usage: {},
        timings: { queued_s: 0.1 },
      }),
    ).toEqual({
      type: "done",
      generation: "g",
      text: "Hi",
      finish_reason: "stop",
      notice: null,
      usage: null,
      timings: { queuedS: 0.1, ttftS: null, totalS: null, tokensPerS: null },
    });
    expect(parse({ type: "conversation", conversation: 3 })).toEqual({
      type: "conversation",
      conversation: 3,
    });
    expect(parse({ type: "pong" })).toEqual({ type: "pong" });
  });

  it("fills in what an error may leave out", () => {
    expect(parse({ type: "error", code: "queue_full", detail: "Busy.", retry_after: 4 })).toEqual({
      type: "error",
      code: "queue_full",
      detail: "Busy.",
      generation: null,
      client_id: null,
      retry_after: 4,
      data: { type: "error", code: "queue_full", detail: "Busy.", retry_after: 4 },
    });
  });

  it.each([
    "not JSON",
    "[]",
    "null",
    '"token"',
    "{}",
    '{"type":"novelty"}',
    '{"type":"constructor"}',
    '{"type":"token","generation":"g","id":"1-0","seq":"0","text":"x"}',
    '{"type":"token","generation":"g","id":"1-0","seq":0.5,"text":"x"}',
    '{"type":"done","generation":"g","text":"x","finish_reason":"bored"}',
  ])("gives null for %s", (frame) => {
    expect(parseServerEvent(frame)).toBeNull();
  });
});
