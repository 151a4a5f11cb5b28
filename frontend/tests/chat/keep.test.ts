import fc from "fast-check";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { ConversationDetail, KeepRequest } from "@/lib/api/conversations";
import { ApiError } from "@/lib/api/errors";
import { replyOf, accepted, done, generation, GENERATION, stored, token } from "../fakes/builders";
import { clientIdOf, play, READY } from "../fakes/play";

const SUMMARY = {
  id: 12,
  title: "",
  createdAt: "",
  updatedAt: "",
  isPinned: false,
  isArchived: false,
  hasOlder: false,
};

/** What the server makes of a chat: its turns under new ids, and the reply that is still written. */
function keptBy(request: KeepRequest, written = ""): ConversationDetail {
  const rows = request.turns.map(({ role, content }, index) =>
    stored({ id: 40 + index, role, content, parent: index === 0 ? null : 39 + index }),
  );
  const run = generation({ status: "running", finishReason: null });
  const id = 40 + rows.length;
  const reply = stored({ id, role: "assistant", content: written, parent: id - 1, generation: run });
  return { ...SUMMARY, messages: request.generation ? [...rows, reply] : rows };
}

beforeEach(() => void vi.useFakeTimers());

describe("a guest's chat that becomes a member's", () => {
  it("goes on in the middle of a reply, with no word lost or doubled", async () => {
    const keepChat = vi.fn(async (request: KeepRequest) => keptBy(request, "On"));
    const { chat, sent, serve, texts, onDraftStored } = play({ keepChat });
    chat.send("draft:0", "hi");
    serve(accepted({ client_id: clientIdOf(sent), generation: "g0" }));
    serve({ ...done("Hello"), generation: "g0" });
    chat.send("draft:0", "a story");
    const key = `a:${clientIdOf(sent)}`;
    serve(accepted({ client_id: clientIdOf(sent) }), token(0, "Once"));

    const keeping = chat.keepGuestChat();
    chat.receive(token(1, " upon"));
    const kept = await keeping;
    chat.reset({ isGuest: false, kept });

    expect(keepChat.mock.calls[0]?.[0]).toMatchObject({
      turns: [{ content: "hi" }, { content: "Hello" }, { role: "user", content: "a story" }],
      generation: GENERATION,
    });
    expect(onDraftStored).toHaveBeenCalledExactlyOnceWith(12);
    expect(texts("c:12")).toEqual(["hi", "Hello", "a story", "Once upon"]);
    serve(READY);
    expect(sent.at(-1)).toEqual({ type: "resume", generation: GENERATION, after: "1-0" });
    serve(token(1, " upon"), token(2, " a time"), done("Once upon a time"));
    expect(texts("c:12").at(-1)).toBe("Once upon a time");
    expect(replyOf(chat.state.get(), key)).toMatchObject({ transcript: "c:12", status: "completed" });
    expect(chat.state.get().transcripts["c:12"]?.messages.map(({ id }) => id)).toEqual([
      40, 41, 42, 43,
    ]);
  });

  it("stays on the page if it cannot be stored, goes on, and can be stored later", async () => {
    let isUp = false;
    const keepChat = vi.fn(async (request: KeepRequest) => {
      if (!isUp) throw new ApiError(503, "unavailable", "");
      return keptBy(request);
    });
    const { chat, sent, serve, texts, onDraftStored } = play({ keepChat });
    chat.send("draft:0", "a story");
    serve(accepted({ client_id: clientIdOf(sent) }), token(0, "Once"));
    chat.reset({ isGuest: false, kept: await chat.keepGuestChat() });

    const { draft } = chat.state.get();
    expect(texts(draft)).toEqual(["a story", "Once"]);
    expect(chat.state.get().transcripts[draft]).toMatchObject({
      unkept: { code: "unavailable" },
      isTemporary: true,
    });
    serve(READY, token(1, " upon"), done("Once upon"));
    expect(texts(draft)).toEqual(["a story", "Once upon"]);

    isUp = true;
    await chat.retryKeep(draft);
    expect(onDraftStored).toHaveBeenCalledExactlyOnceWith(12);
    expect(texts("c:12")).toEqual(["a story", "Once upon"]);
    const [first, second] = keepChat.mock.calls.map(([request]) => request.client_id);
    expect(second).toBe(first);
  });

  it("asks again, of the new account, what was never accepted", async () => {
    const { chat, sent, serve, texts } = play({ keepChat: async (request) => keptBy(request) });
    chat.send("draft:0", "hi");
    serve(accepted({ client_id: clientIdOf(sent) }), done("Hello"));
    chat.send("draft:0", "are you there?");
    const clientId = clientIdOf(sent);
    chat.reset({ isGuest: false, kept: await chat.keepGuestChat() });
    expect(texts("c:12")).toEqual(["hi", "Hello", "are you there?", ""]);
    serve(READY);
    expect(sent.at(-1)).toMatchObject({ type: "prompt", conversation: 12, client_id: clientId });
  });

  it("is nothing where nothing was said", async () => {
    expect(await play().chat.keepGuestChat()).toBeNull();
  });

  it("leaves nothing of it to whoever signs in without keeping it", () => {
    const { chat, sent, serve } = play();
    chat.send("draft:0", "hi");
    serve(accepted({ client_id: clientIdOf(sent) }), done("Hello"));
    chat.reset({ isGuest: false });
    expect(chat.state.get().transcripts).toEqual({});
  });

  it("has the stored text, wherever in the stream it was kept", async () => {
    const pieces = fc.array(fc.string({ minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(pieces, fc.nat(), fc.nat(), fc.nat(), async (words, a, b, c) => {
        const before = a % (words.length + 1);
        const during = before + (b % (words.length - before + 1));
        const saved = words.slice(0, c % (before + 1)).join("");
        const keepChat = async (request: KeepRequest) => keptBy(request, saved);
        const { chat, sent, serve, texts } = play({ keepChat });
        const tokens = words.map((word, seq) => token(seq, word));
        chat.send("draft:0", "hi");
        serve(accepted({ client_id: clientIdOf(sent) }), ...tokens.slice(0, before));
        const keeping = chat.keepGuestChat();
        tokens.slice(before, during).forEach(chat.receive);
        chat.reset({ isGuest: false, kept: await keeping });
        const known = words.slice(0, during).join("");
        expect(texts("c:12")).toEqual(["hi", known.length < saved.length ? saved : known]);
        serve(READY);
        const resume = sent.findLast((message) => message.type === "resume");
        const from = resume?.type === "resume" && resume.after ? Number.parseInt(resume.after, 10) + 1 : 0;
        serve(...tokens.slice(from));
        expect(texts("c:12")).toEqual(["hi", words.join("")]);
      }),
      { numRuns: 60 },
    );
  });
});
