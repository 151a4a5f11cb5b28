import { act, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it } from "vitest";
import { generation } from "../fakes/builders";
import { FakeApi, json } from "../fakes/fake-api";
import { exchange, renderInApp, showTranscript, testApp } from "../fakes/test-app";
import { GlassText } from "@/components/glass/glass-text";
import { GlassToggle } from "@/components/glass/glass-toggle";
import { ReplyDetails } from "@/components/glass/reply-details";
import { useChat } from "@/hooks/use-app";
import type { App } from "@/lib/app";
import { GIVEN } from "@/lib/chat/events";
import {
  type Message,
  messageFromStored,
  NEW_REPLY,
  type Reply,
  type TokenTrace,
} from "@/lib/chat/state";
import { forgetReplays } from "@/lib/replays";
import { GLASS_FLAG, loadPreferences, setPreference } from "@/lib/preferences";

const TRACE = "GET /api/messages/2/trace";
const TEXT = "Hi Ana!\n\nGood day.";
const WORDS = ["Hi", " Ana", "!", "\n\n", "Good", " day", "."];

const TOKENS: readonly TokenTrace[] = WORDS.map((text, index) => ({
  id: index,
  text,
  logprob: index === 1 ? -1.6 : -0.05,
  top: [
    { id: index, text, logprob: index === 1 ? -1.6 : -0.05 },
    { id: 100 + index, text: index === 0 ? "Hello" : " Ben", logprob: -1.8 },
    { id: 9, text: "<|end|>", logprob: -3 },
    { id: 8, text: "<|user|>", logprob: -9 },
  ],
}));

function answer(text: string, hasTrace: boolean, begunTokens: number | null = 0): Message {
  const params = { temperature: 0.7, seed: 41, logprobs: 5 };
  const summary = generation({ hasTrace, params, begunTokens, completionTokens: 7 });
  const stored = {
    id: 2, role: "assistant" as const, content: text, createdAt: null, parent: 1, siblings: null,
    feedback: null, isReported: false, notice: null, isHidden: false, generation: summary,
  };
  return messageFromStored(stored, "m:2");
}

function Page({ isBusy = false }: { readonly isBusy?: boolean }) {
  const message = useChat((state) => state.transcripts["c:7"]?.messages[1]);
  return (
    message && (
      <>
        <GlassText message={message} text={message.text} isLive={false} isBusy={isBusy}>
          <p data-testid="plain">{message.text}</p>
        </GlassText>
        <ReplyDetails message={message} isBusy={isBusy} />
      </>
    )
  );
}

interface Scene {
  readonly message?: Message;
  readonly status?: "guest" | "member";
  readonly reply?: Partial<Reply>;
  readonly api?: FakeApi;
}

function open({ message = answer(TEXT, true), status = "member", reply, api }: Scene = {}): App {
  const told = new FakeApi().on(TRACE, () => json(200, { tokens: TOKENS }));
  const app = testApp(api ?? told);
  app.chat.reset({ isGuest: status === "guest" });
  const [question] = exchange("Greet Ana", "", 1);
  showTranscript(app, "c:7", question ? [question, message] : []);
  if (reply) {
    const whole = { ...NEW_REPLY, transcript: "c:7", prompt: "Greet Ana", ...reply };
    app.chat.state.set({ ...app.chat.state.get(), replies: { "m:2": whole } });
  }
  app.session.state.set({ ...app.session.state.get(), status });
  renderInApp(app, <Page />);
  return app;
}

async function tokens(): Promise<HTMLElement[]> {
  return within(await screen.findByTestId("glass-text")).getAllByRole("option");
}

function asked(app: App) {
  return Object.values(app.chat.state.get().replies).map((reply) => reply.asked);
}

beforeEach(() => {
  forgetReplays();
  setPreference("isGlassOn", true);
});

describe("the glass", () => {
  it("is not looked through while it is off", () => {
    setPreference("isGlassOn", false);
    const api = new FakeApi();
    open({ api });
    expect(screen.getByTestId("plain").textContent).toBe(TEXT);
    expect(api.requests).toEqual([]);
  });

  it("shows the same paragraphs, and to a screen reader the plain text as well", async () => {
    open();
    const options = await tokens();
    expect(options.map((option) => option.textContent)).toEqual([
      "Hi", "Ana", "!", "Good", "day", ".",
    ]);
    const paragraphs = within(screen.getByTestId("glass-text")).getAllByRole("group");
    expect(paragraphs.map((paragraph) => paragraph.textContent)).toEqual(["Hi Ana!", "Good day."]);
    expect(document.querySelector(".sr-only")?.textContent).toBe(TEXT);
  });

  it("tints what was less likely, and says it in words", async () => {
    open();
    const [hi, ana] = await tokens();
    expect(hi?.getAttribute("data-level")).toBe("0");
    expect(ana?.getAttribute("data-level")).toBe("3");
    expect(ana?.getAttribute("aria-label")).toBe("Ana, 20%, one of several");
  });

  it("is one tab stop; arrows, Home and End move in it", async () => {
    open();
    const options = await tokens();
    const stops = () => options.filter((option) => option.tabIndex === 0);
    expect(stops()).toEqual([options[0]]);
    await userEvent.tab();
    expect(document.activeElement).toBe(options[0]);
    await userEvent.keyboard("{ArrowRight}{ArrowRight}{ArrowLeft}");
    expect(document.activeElement).toBe(options[1]);
    await userEvent.keyboard("{End}");
    expect(document.activeElement).toBe(options.at(-1));
    expect(stops()).toEqual([options.at(-1)]);
    await userEvent.keyboard("{ArrowRight}");
    expect(document.activeElement).toBe(options.at(-1));
    await userEvent.keyboard("{Home}");
    expect(document.activeElement).toBe(options[0]);
  });

  it("lists the alternatives at a press, with numbers, and leads back with Escape", async () => {
    open();
    const [, ana] = await tokens();
    if (ana) await userEvent.click(ana);
    const list = within(await screen.findByTestId("glass-alternatives"));
    const rows = list.getAllByRole("listitem").map((row) => row.textContent);
    expect(rows).toEqual([
      "Anachosen 20%", "Ben 17%", "end of the answer 5.0%", "a mark of the format under 0.1%",
    ]);
    await waitFor(() =>
      expect(document.activeElement?.getAttribute("aria-label")).toBe("Go on with “Ben”, 17%"),
    );
    await userEvent.keyboard("{Escape}");
    await waitFor(() => expect(screen.queryByTestId("glass-popover")).toBeNull());
    expect(document.activeElement).toBe(ana);
  });

  it("goes on from a chosen one, with what stands before it", async () => {
    const app = open();
    const [, ana] = await tokens();
    if (ana) await userEvent.click(ana);
    await userEvent.click(await screen.findByRole("button", { name: /Ben/ }));
    expect(asked(app)).toEqual([{ type: "branch", message: 2, at: 1, token: 101 }]);
    const [reply] = Object.values(app.chat.state.get().replies);
    expect(reply?.snapshot).toBe("Hi Ben");
    expect(reply?.params?.logprobs).toBe(5);
    expect(reply?.params?.seed).toBeUndefined();
  });

  it("ends an answer where that is chosen, but not before its first word", async () => {
    const app = open();
    const [hi, , , good] = await tokens();
    if (hi) await userEvent.click(hi);
    await screen.findByTestId("glass-alternatives");
    expect(screen.queryByRole("button", { name: /end of the answer/ })).toBeNull();
    expect(screen.queryByRole("button", { name: /mark/ })).toBeNull();
    await userEvent.keyboard("{Escape}");
    if (good) await userEvent.click(good);
    await userEvent.click(await screen.findByRole("button", { name: /Make this the end of the answer/ }));
    expect(asked(app)).toEqual([{ type: "branch", message: 2, at: 4, token: 9 }]);
  });

  it("shows guests everything but a way on", async () => {
    open({ status: "guest", message: answer(TEXT, false), reply: settled() });
    const [, ana] = await tokens();
    if (ana) await userEvent.click(ana);
    expect((await screen.findByTestId("glass-hint")).textContent).toContain("account");
    expect(screen.queryByTestId("glass-branch")).toBeNull();
    expect(screen.getByTestId("glass-alternatives").childElementCount).toBe(4);
  });

  it("does not replay what a guest's later messages follow", async () => {
    const seeded = { text: TEXT, status: "completed" as const, generation: "g", seed: 41 };
    const local = { ...answer(TEXT, false), id: null };
    const app = open({ status: "guest", message: local, reply: { ...seeded } });
    expect(await screen.findByTestId("glass-replay")).toBeDefined();
    const { messages } = app.chat.state.get().transcripts["c:7"] ?? { messages: [] };
    act(() => showTranscript(app, "c:7", [...messages, ...exchange("And now?", "Bye.")]));
    expect(screen.queryByTestId("glass-replay")).toBeNull();
    expect(screen.getByTestId("glass-note").textContent).toContain("not recorded");
  });

  it("takes what the stream has told, and asks for nothing", async () => {
    const api = new FakeApi();
    open({ reply: settled(), api });
    expect(await tokens()).toHaveLength(6);
    expect(api.requests).toEqual([]);
  });

  it("leaves given words as they are", async () => {
    const given = { id: GIVEN, text: "Hi Ana", logprob: 0, top: [] };
    open({ reply: { ...settled(), tokens: [given, ...TOKENS.slice(2)] } });
    expect((await tokens()).map((token) => token.textContent)).toEqual(["!", "Good", "day", "."]);
    expect(screen.getByTestId("glass-text").textContent).toBe("Hi Ana!Good day.");
  });

  it("says that nothing was recorded, and replays to look inside", async () => {
    const app = open({ message: answer(TEXT, false) });
    expect(screen.getByTestId("plain").textContent).toBe(TEXT);
    await userEvent.click(screen.getByTestId("glass-replay"));
    expect(asked(app)).toEqual([{ type: "regenerate", message: 2 }]);
    const [reply] = Object.values(app.chat.state.get().replies);
    expect(reply?.params).toMatchObject({ seed: 41, logprobs: 5 });
  });

  it("tries again where the server could not be reached", async () => {
    let isAway = true;
    const api = new FakeApi().on(TRACE, () =>
      isAway ? json(503, { code: "unavailable", detail: "" }) : json(200, { tokens: TOKENS }),
    );
    open({ api });
    const again = await screen.findByRole("button", { name: "Try again" }, { timeout: 5_000 });
    isAway = false;
    await userEvent.click(again);
    expect(await tokens()).toHaveLength(6);
  });
});

function settled(): Partial<Reply> {
  return { status: "completed", text: TEXT, tokens: TOKENS, generation: "g", seed: 41 };
}

describe("the switch", () => {
  it("is a pressed button, remembered, and has new answers bring alternatives", async () => {
    setPreference("isGlassOn", false);
    const app = testApp(new FakeApi());
    renderInApp(app, <GlassToggle />);
    const toggle = screen.getByTestId("glass-toggle");
    expect(toggle.getAttribute("aria-pressed")).toBe("false");
    await userEvent.click(toggle);
    expect(toggle.getAttribute("aria-pressed")).toBe("true");
    expect(localStorage.getItem(GLASS_FLAG)).toBe("1");
    act(() => app.chat.send("draft:0", "hi"));
    expect(Object.values(app.chat.state.get().replies)[0]?.params?.logprobs).toBe(5);
    setPreference("isGlassOn", false);
    act(loadPreferences);
    expect(toggle.getAttribute("aria-pressed")).toBe("false");
  });
});

describe("how it was written", () => {
  it("tells seed, settings and counts in words", async () => {
    open();
    await userEvent.click(screen.getByTestId("reply-details"));
    expect((await screen.findByTestId("seed")).textContent).toBe("41");
    expect(screen.getByTestId("sampling-words").textContent).toContain("Balanced: temperature 0.7");
    expect(screen.getByText("7 tokens")).toBeTruthy();
  });

  it.each([
    [TEXT, "letter for letter"],
    ["Hi Bob!", "differs"],
  ])("replays exactly and says whether it was: %j", async (again, verdict) => {
    const app = open();
    await userEvent.click(screen.getByTestId("reply-details"));
    await userEvent.click(await screen.findByTestId("replay"));
    expect(screen.queryByTestId("replay-note")).toBeNull();
    const state = app.chat.state.get();
    const [key = "", reply] = Object.entries(state.replies)[0] ?? [];
    const done = reply && { ...reply, ...settled(), text: again, generation: "another" };
    act(() => app.chat.state.set({ ...state, replies: done ? { [key]: done } : {} }));
    expect((await screen.findByTestId("replay-note")).textContent).toContain(verdict);
  });

  it("replays a branch from its last given token", async () => {
    const app = open({ message: answer(TEXT, true, 3) });
    await userEvent.click(screen.getByTestId("reply-details"));
    await userEvent.click(await screen.findByTestId("replay"));
    await waitFor(() =>
      expect(asked(app)).toEqual([{ type: "branch", message: 2, at: 2, token: 2 }]),
    );
    expect(Object.values(app.chat.state.get().replies)[0]?.params?.seed).toBe(41);
  });

  it("does not claim to replay what went on from a bare text", async () => {
    open({ message: answer(TEXT, false, null) });
    await userEvent.click(screen.getByTestId("reply-details"));
    expect(await screen.findByTestId("begun")).toBeTruthy();
    expect(screen.queryByTestId("replay")).toBeNull();
  });
});
