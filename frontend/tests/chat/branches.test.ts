import { beforeEach, describe, expect, it, vi } from "vitest";
import type { StoredMessage } from "@/lib/api/conversations";
import { ApiError } from "@/lib/api/errors";
import type { ChatController } from "@/lib/chat/controller";
import { accepted, done, generation, replyOf, started, stored, token } from "../fakes/builders";
import { clientIdOf, play, READY, refusal } from "../fakes/play";

const ONE_OF_TWO = { index: 1, count: 2, previous: null, next: 43 };
const TREE: readonly StoredMessage[] = [
  stored({ id: 40, content: "hi" }),
  stored({
    id: 41,
    role: "assistant",
    content: "Hello",
    parent: 40,
    generation: generation({ params: { seed: 9, temperature: 0.5 } }),
  }),
  stored({ id: 44, content: "a joke", parent: 41 }),
  stored({ id: 45, role: "assistant", content: "No", parent: 44, generation: generation({ id: "g2" }) }),
];

beforeEach(() => void vi.useFakeTimers());

async function member(messages = TREE, overrides: Parameters<typeof play>[0] = {}) {
  const loadPage = vi.fn(async () => ({ messages, hasOlder: false }));
  const played = play({ loadPage, ...overrides });
  played.chat.reset({ isGuest: false });
  await played.chat.open(12);
  played.sent.length = 0;
  return { ...played, loadPage };
}

function messagesOf(chat: ChatController) {
  return chat.state.get().transcripts["c:12"]?.messages ?? [];
}

describe("another answer", () => {
  it("stands in the place of the old one at once, with its number, and without what was below", async () => {
    const { chat, sent, texts } = await member();
    chat.regenerate("m:41");
    expect(sent).toEqual([
      { type: "regenerate", message: 41, client_id: clientIdOf(sent), params: {} },
    ]);
    expect(texts("c:12")).toEqual(["hi", ""]);
    expect(messagesOf(chat).at(-1)?.siblings).toEqual({
      index: 2,
      count: 2,
      previous: 41,
      next: null,
    });
  });

  it("goes away again when it is refused: the old branch is back as it was", async () => {
    const { chat, sent, serve } = await member();
    const before = messagesOf(chat);
    chat.regenerate("m:41");
    serve(refusal(clientIdOf(sent)));
    expect(messagesOf(chat)).toEqual(before);
    expect(chat.state.get().notice).toMatchObject({ code: "rate_limited", retryAfterS: 4 });
    expect(Object.values(chat.state.get().replies)).toEqual([]);
  });

  it("is asked for again after a lost connection, with the same client id and params", async () => {
    const { chat, sent, serve } = await member();
    chat.setSampling({ top_k: 5 });
    chat.regenerate("m:41");
    const first = sent.at(-1);
    serve(READY);
    expect(sent).toEqual([first, first]);
    expect(first).toMatchObject({ params: { top_k: 5 } });
  });

  it("counts on from siblings that are not all known, and the next page tells the rest", async () => {
    const [question, answer, ...below] = TREE;
    if (!question || !answer) throw new Error("no tree");
    const { chat } = await member([question, { ...answer, siblings: ONE_OF_TWO }, ...below]);
    chat.regenerate("m:41");
    expect(messagesOf(chat).at(-1)?.siblings).toMatchObject({ index: 3, count: 3, previous: null });
  });

  it("can be the same: with the seed and the params of the old one", async () => {
    const { chat, sent } = await member();
    chat.replay("m:41");
    expect(sent.at(-1)).toMatchObject({
      type: "regenerate",
      params: { seed: 9, temperature: 0.5, logprobs: 5 },
    });
    chat.replay("m:45");
    expect(sent).toHaveLength(1);
    const begun = generation({ params: { seed: 9 }, begunTokens: 3 });
    const branch = stored({ id: 41, role: "assistant", parent: 40, generation: begun });
    const other = await member([...TREE.slice(0, 1), branch]);
    other.chat.replay("m:41");
    expect(other.sent).toEqual([]);
    other.chat.replay("m:41", 77);
    expect(other.sent.at(-1)).toMatchObject({
      type: "branch",
      message: 41,
      at: 2,
      token: 77,
      params: { seed: 9 },
    });
  });

  it("stands beside a failed one that the server has kept", async () => {
    const failed = generation({ id: "g3", status: "failed", errorCode: "worker_lost" });
    const last = stored({ id: 45, role: "assistant", parent: 44, generation: failed });
    const { chat, sent } = await member([...TREE.slice(0, 3), last]);
    chat.retry("m:45");
    expect(sent.at(-1)).toMatchObject({ type: "regenerate", message: 45 });
  });
});

describe("an edited question", () => {
  it("takes the place of the old one and of all below it", async () => {
    const { chat, sent, serve, texts } = await member();
    chat.edit("m:44", "a poem");
    expect(sent.at(-1)).toMatchObject({ type: "edit", message: 44, text: "a poem" });
    expect(texts("c:12")).toEqual(["hi", "Hello", "a poem", ""]);
    serve(
      accepted({
        client_id: clientIdOf(sent),
        generation: "g9",
        conversation: 12,
        user_message: 46,
        assistant_message: 47,
      }),
      { ...done("Roses"), generation: "g9" },
    );
    expect(messagesOf(chat).map(({ id }) => id)).toEqual([40, 41, 46, 47]);
    expect(texts("c:12").at(-1)).toBe("Roses");
  });

  it("is given back for another try when it is refused", async () => {
    const { chat, sent, serve, texts } = await member();
    chat.edit("m:44", "a poem");
    serve(refusal(clientIdOf(sent)));
    expect(texts("c:12")).toEqual(["hi", "Hello", "a joke", "No"]);
    expect(chat.state.get().refusedEdit).toEqual({ key: "m:44", text: "a poem" });
    chat.dismissNotice();
    expect(chat.state.get().refusedEdit).toBeNull();
  });

  it("comes back when it is taken back before anybody has seen it", async () => {
    const { chat, sent, texts } = await member();
    chat.edit("m:44", "a poem");
    expect(chat.takeBack(`a:${clientIdOf(sent)}`)).toBe("a poem");
    expect(texts("c:12")).toEqual(["hi", "Hello", "a joke", "No"]);
  });
});

describe("answers that begin with known words", () => {
  it("show them until the stream has passed them", async () => {
    const { chat, sent, serve, texts } = await member();
    chat.continueReply("m:45");
    expect(sent.at(-1)).toEqual({
      type: "continue",
      message: 45,
      client_id: clientIdOf(sent),
    });
    expect(texts("c:12").at(-1)).toBe("No");
    const ids = { conversation: 12, user_message: 44, assistant_message: 46 };
    serve(accepted({ client_id: clientIdOf(sent), ...ids }), token(0, "No"), token(1, ", sorry"));
    expect(texts("c:12").at(-1)).toBe("No, sorry");
  });

  it("can leave an old one at any token", async () => {
    const { chat, sent, texts } = await member();
    chat.branch("m:41", 2, 77, "He");
    expect(sent.at(-1)).toMatchObject({
      type: "branch",
      message: 41,
      at: 2,
      token: 77,
      params: { temperature: 0.5, logprobs: 5 },
    });
    expect(sent.at(-1)).not.toHaveProperty("params.seed");
    expect(texts("c:12")).toEqual(["hi", "He"]);
  });
});

describe("going to a sibling", () => {
  it("shows its branch and keeps what is above in place", async () => {
    const [question, answer] = TREE;
    if (!question || !answer) throw new Error("no tree");
    const other = stored({ id: 43, role: "assistant", content: "Hey", parent: 40 });
    const pages = [
      { messages: [question, { ...answer, siblings: ONE_OF_TWO }], hasOlder: false },
      { messages: [question, other], hasOlder: false },
    ];
    const showBranch = vi.fn(async () => undefined);
    const loadPage = vi.fn(async () => pages.shift() ?? { messages: [], hasOlder: false });
    const { chat, texts } = await member(TREE, { loadPage, showBranch });
    await chat.showSibling("m:41", 1);
    expect(showBranch).toHaveBeenCalledExactlyOnceWith(12, 43);
    expect(texts("c:12")).toEqual(["hi", "Hey"]);
    await chat.showSibling("m:40", -1);
    expect(showBranch).toHaveBeenCalledTimes(1);
  });

  it("reads up to where the branches part", async () => {
    const answer = stored({ id: 41, role: "assistant", parent: 40, siblings: ONE_OF_TWO });
    const branch = [
      stored({ id: 43, role: "assistant", content: "Hey", parent: 40 }),
      stored({ id: 50, content: "more", parent: 43 }),
    ];
    const loadPage = vi.fn(async (_id: number, before: number | null) => {
      if (loadPage.mock.calls.length === 1) {
        return { messages: [...TREE.slice(0, 1), answer], hasOlder: false };
      }
      return before === null
        ? { messages: branch.slice(1), hasOlder: true }
        : { messages: branch.slice(0, 1), hasOlder: true };
    });
    const { chat, texts } = await member(TREE, { loadPage });
    await chat.showSibling("m:41", 1);
    expect(loadPage.mock.calls.slice(1)).toEqual([
      [12, null],
      [12, 50],
    ]);
    expect(texts("c:12")).toEqual(["hi", "Hey", "more"]);
  });

  it("says why it could not, and shows what it showed", async () => {
    const [question, answer] = TREE;
    if (!question || !answer) throw new Error("no tree");
    const showBranch = () => Promise.reject(new ApiError(503, "unavailable", ""));
    const { chat, texts } = await member([question, { ...answer, siblings: ONE_OF_TWO }], {
      showBranch,
    });
    await chat.showSibling("m:41", 1);
    expect(texts("c:12")).toEqual(["hi", "Hello"]);
    expect(chat.state.get().notice?.code).toBe("unavailable");
  });
});

describe("older messages", () => {
  const newest = { messages: TREE.slice(2), hasOlder: true };
  const oldest = { messages: TREE.slice(0, 2), hasOlder: false };

  it("come above, once, however often they are asked for", async () => {
    const loadPage = vi.fn(async (_id: number, before: number | null) =>
      before === null ? newest : oldest,
    );
    const { chat, texts } = await member(TREE, { loadPage });
    expect(texts("c:12")).toEqual(["a joke", "No"]);
    await Promise.all([chat.loadOlder("c:12"), chat.loadOlder("c:12")]);
    await chat.loadOlder("c:12");
    expect(texts("c:12")).toEqual(["hi", "Hello", "a joke", "No"]);
    expect(loadPage.mock.calls).toEqual([
      [12, null],
      [12, 44],
    ]);
    expect(chat.state.get().transcripts["c:12"]).toMatchObject({
      hasOlder: false,
      isLoadingOlder: false,
    });
  });

  it("stay when the newest are read again", async () => {
    const loadPage = async (_id: number, before: number | null) =>
      before === null ? newest : oldest;
    const { chat, serve, texts } = await member(TREE, { loadPage });
    await chat.loadOlder("c:12");
    serve({ type: "conversation", conversation: 12 });
    await chat.open(12);
    expect(texts("c:12")).toEqual(["hi", "Hello", "a joke", "No"]);
  });

  it("can be asked for again when they did not come", async () => {
    const loadPage = vi.fn(async (_id: number, before: number | null) => {
      if (before !== null) throw new ApiError(0, "network", "");
      return newest;
    });
    const { chat } = await member(TREE, { loadPage });
    await chat.loadOlder("c:12");
    expect(chat.state.get().transcripts["c:12"]).toMatchObject({
      hasOlder: true,
      isLoadingOlder: false,
      olderFailure: { code: "network" },
    });
  });
});

describe("chats that are on this page alone", () => {
  it("a guest goes back to a question and asks it anew, with the history above it", () => {
    const { chat, sent, serve, texts } = play();
    chat.send("draft:0", "hi");
    serve(accepted({ client_id: clientIdOf(sent) }), done("Hello"));
    chat.send("draft:0", "a joke");
    const second = clientIdOf(sent);
    serve(accepted({ client_id: second, generation: "g2" }), { ...done("No"), generation: "g2" });
    chat.regenerate(`a:${second}`);
    const history = [
      { role: "user", content: "hi" },
      { role: "assistant", content: "Hello" },
    ];
    expect(sent.at(-1)).toMatchObject({ type: "prompt", text: "a joke", history });
    expect(texts("draft:0")).toEqual(["hi", "Hello", "a joke", ""]);
    serve(refusal(clientIdOf(sent)));
    expect(texts("draft:0")).toEqual(["hi", "Hello", "a joke", "No"]);
    chat.edit(`u:${second}`, "a poem");
    expect(sent.at(-1)).toMatchObject({ type: "prompt", text: "a poem", history });
    expect(texts("draft:0")).toEqual(["hi", "Hello", "a poem", ""]);
  });

  it("a member's temporary chat brings its history and never becomes a conversation", () => {
    const { chat, sent, serve, texts, onDraftStored } = play();
    chat.reset({ isGuest: false });
    chat.startTemporary();
    const { draft } = chat.state.get();
    expect(chat.state.get().transcripts[draft]?.isTemporary).toBe(true);
    chat.send(draft, "hi");
    expect(sent.at(-1)).toMatchObject({ type: "prompt", temporary: true, history: [] });
    serve(accepted({ client_id: clientIdOf(sent) }), done("Hello"));
    chat.send(draft, "more");
    expect(sent.at(-1)).toMatchObject({ temporary: true, history: [{}, { content: "Hello" }] });
    expect(texts(draft)).toEqual(["hi", "Hello", "more", ""]);
    expect(onDraftStored).not.toHaveBeenCalled();
    chat.startDraft();
    expect(chat.state.get().draft).not.toBe(draft);
  });
});

describe("what a reply tells about itself", () => {
  it("takes the time of sending and of the first words on this page's clock", () => {
    const { chat, sent, serve } = play();
    chat.send("draft:0", "hi");
    const id = clientIdOf(sent);
    vi.advanceTimersByTime(400);
    serve(accepted({ client_id: id }), started("1-0"), { ...token(0, "He"), id: "2-0" });
    const { sentAt, firstTokenAt, seed, model } = replyOf(chat.state.get(), `a:${id}`);
    expect((firstTokenAt ?? 0) - (sentAt ?? 0)).toBe(400);
    expect([seed, model]).toEqual([7, "eugpt-36m"]);
  });

  it("asks for alternatives while the glass is on", () => {
    const { chat, sent } = play();
    chat.setGlass(true);
    chat.send("draft:0", "hi");
    expect(sent.at(-1)).toMatchObject({ params: { logprobs: 5 } });
  });

  it("takes a rating that was given", async () => {
    const { chat } = await member();
    chat.patchMessage("m:41", { feedback: { rating: "up", comment: "" }, isReported: true });
    expect(messagesOf(chat)[1]).toMatchObject({ feedback: { rating: "up" }, isReported: true });
  });

  it("is read again after the connection was away, since news may have been missed", async () => {
    const { chat, serve, loadPage } = await member();
    serve(READY);
    expect(chat.state.get().transcripts["c:12"]?.isStale).toBe(false);
    serve(READY);
    expect(chat.state.get().transcripts["c:12"]?.isStale).toBe(true);
    await chat.open(12);
    expect(loadPage).toHaveBeenCalledTimes(2);
  });
});
