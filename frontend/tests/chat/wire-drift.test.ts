import { describe, expectTypeOf, it } from "vitest";
import type { ClientMessage, ServerEvent } from "@/lib/chat/events";
import type * as wire from "@/lib/chat/events.gen";

/** The compiler does the work: `events.gen.d.ts` is made from the backend's schema of the socket. */
describe("the socket's messages", () => {
  it("are the same types here and in the backend", () => {
    expectTypeOf<ServerEvent["type"]>().toEqualTypeOf<wire.ServerMessage["type"]>();
    expectTypeOf<ClientMessage["type"]>().toEqualTypeOf<wire.ClientMessage["type"]>();
  });

  it("sent here are what the backend takes", () => {
    type Fields<T> = T extends { type: infer Type } ? `${Type & string}.${keyof T & string}` : never;
    expectTypeOf<Exclude<Fields<ClientMessage>, Fields<wire.ClientMessage>>>().toEqualTypeOf<never>();
  });

  it("read here have the fields that the backend sends", () => {
    type Read<T extends ServerEvent["type"]> = Exclude<
      keyof Extract<ServerEvent, { type: T }>,
      keyof Extract<wire.ServerMessage, { type: T }>
    >;
    expectTypeOf<Read<"accepted" | "queued" | "started" | "done" | "error">>().toEqualTypeOf<never>();
    // Added here, when it comes.
    expectTypeOf<Read<"token">>().toEqualTypeOf<"receivedAt">();
  });
});
