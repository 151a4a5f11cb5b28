import { act, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { FakeApi, type FakeRequest, json } from "../fakes/fake-api";
import { exchange, renderInApp, showTranscript, testApp } from "../fakes/test-app";
import { ContextMeter } from "@/components/context/context-meter";
import { OutsideNote } from "@/components/context/outside-note";
import { useContextUsage } from "@/hooks/use-context-usage";
import { transcriptOf } from "@/lib/chat/selectors";
import { INITIAL_STATE, NEW_REPLY } from "@/lib/chat/state";
import { useChat } from "@/hooks/use-app";

const UNSTORED = "POST /api/chat/context";
const STORED = "POST /api/conversations/7/context";
const LIMIT = 384;

interface Asked {
  readonly draft: string;
  readonly max_tokens?: number;
  readonly history?: readonly { readonly content: string }[];
}

/** Counts a token for each character; ids outside are those in `outside`. */
function counted(request: FakeRequest, ids: readonly number[], outside: readonly number[] = []) {
  const { draft } = request.body as Asked;
  const tokens = draft.length + 2;
  const fits = tokens <= 368;
  const inside = ids.filter((id) => !outside.includes(id));
  return json(200, {
    model: "eugpt-36m",
    limit: LIMIT,
    reserved: 120,
    total: fits ? tokens + 10 * inside.length : tokens,
    draft: { tokens, limit: 368, fits },
    messages: ids.map((id) => ({
      id,
      tokens: fits ? 10 : null,
      is_inside: fits && inside.includes(id),
    })),
  });
}

function asked(api: FakeApi): Asked[] {
  return api.requests.map(({ body }) => body as Asked);
}

async function pause(ms: number): Promise<void> {
  await act(() => new Promise((resolve) => setTimeout(resolve, ms)));
}

/** As the transcript uses it. */
function Lines({ transcript, draft }: { transcript: string; draft: string }) {
  const { outside, firstInside } = useContextUsage(transcript, draft);
  const { messages } = useChat((state) => transcriptOf(state, transcript));
  return messages.map(({ key, text }) => (
    <div key={key}>
      {key === firstInside && <OutsideNote />}
      <p data-outside={outside.has(key)}>{text}</p>
    </div>
  ));
}

describe("the meter of a chat that is not stored", () => {
  it("shows nothing and asks nothing before there are words", async () => {
    const api = new FakeApi();
    renderInApp(testApp(api), <ContextMeter transcriptKey="draft:0" draft="  " />);
    await pause(400);
    expect(api.requests).toEqual([]);
    expect(screen.queryByTestId("context-open")).toBeNull();
  });

  it("counts the draft once the typing pauses", async () => {
    const api = new FakeApi().on(UNSTORED, (request) => counted(request, []));
    const { rerender } = renderInApp(
      testApp(api),
      <ContextMeter transcriptKey="draft:0" draft="" />,
    );
    rerender(<ContextMeter transcriptKey="draft:0" draft="he" />);
    rerender(<ContextMeter transcriptKey="draft:0" draft="hello " />);
    expect(await screen.findByText(/7 of 384 tokens/)).toBeTruthy();
    expect(asked(api)).toEqual([{ draft: "hello", history: [] }]);
  });

  it("brings whole exchanges along and says which of them have fallen out", async () => {
    const api = new FakeApi().on(UNSTORED, (request) => counted(request, [0, 1, 2, 3], [0, 1]));
    const app = testApp(api);
    const failed = exchange("failed", "");
    const messages = [...exchange("one", "first"), ...failed, ...exchange("two", "second")];
    showTranscript(app, "draft:0", messages);
    renderInApp(app, <Lines transcript="draft:0" draft="" />);
    const note = await screen.findByTestId("outside-note");
    expect(note.nextElementSibling?.textContent).toBe("two");
    const above = document.querySelectorAll("[data-outside=true]");
    expect([...above].map((line) => line.textContent)).toEqual(["one", "first", "failed", ""]);
    const history = asked(api)[0]?.history?.map(({ content }) => content);
    expect(history).toEqual(["one", "first", "two", "second"]);
  });

  it("keeps the last value while a newer one is counted, and drops an older answer", async () => {
    const answers: ((response: Response) => void)[] = [];
    const requests: FakeRequest[] = [];
    const api = new FakeApi().on(UNSTORED, (request) => {
      requests.push(request);
      return new Promise((resolve) => answers.push(resolve));
    });
    const { rerender } = renderInApp(
      testApp(api),
      <ContextMeter transcriptKey="draft:0" draft="abc" />,
    );
    const answer = (number: number): void => {
      const request = requests[number];
      if (request) answers[number]?.(counted(request, []));
    };
    await waitFor(() => expect(requests).toHaveLength(1));
    await act(async () => answer(0));
    expect(await screen.findByText(/5 of 384/)).toBeTruthy();
    rerender(<ContextMeter transcriptKey="draft:0" draft="abcd" />);
    await waitFor(() => expect(requests).toHaveLength(2));
    rerender(<ContextMeter transcriptKey="draft:0" draft="abcdef" />);
    await waitFor(() => expect(requests).toHaveLength(3));
    expect(screen.getByText(/5 of 384/)).toBeTruthy();
    await act(async () => answer(2));
    expect(await screen.findByText(/8 of 384/)).toBeTruthy();
    await act(async () => answer(1));
    await pause(20);
    expect(screen.getByText(/8 of 384/)).toBeTruthy();
  });

  it("aborts an older request", async () => {
    const signals: AbortSignal[] = [];
    const app = testApp(new FakeApi());
    globalThis.fetch = ((_, init) => {
      if (init?.signal) signals.push(init.signal);
      return new Promise(() => undefined);
    }) as typeof fetch;
    const { rerender } = renderInApp(app, <ContextMeter transcriptKey="draft:0" draft="a" />);
    await waitFor(() => expect(signals).toHaveLength(1));
    rerender(<ContextMeter transcriptKey="draft:0" draft="ab" />);
    await waitFor(() => expect(signals).toHaveLength(2));
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  });

  it("waits for the end of an answer", async () => {
    const api = new FakeApi().on(UNSTORED, (request) => counted(request, [0, 1]));
    const app = testApp(api);
    const messages = exchange("hi", "hello");
    const key = messages[1]?.key ?? "";
    const reply = { ...NEW_REPLY, transcript: "draft:0", prompt: "hi", text: "hello" };
    showTranscript(app, "draft:0", messages);
    const set = (status: "running" | "completed"): void =>
      app.chat.state.set({ ...app.chat.state.get(), replies: { [key]: { ...reply, status } } });
    set("running");
    renderInApp(app, <ContextMeter transcriptKey="draft:0" draft="" />);
    await pause(50);
    expect(api.requests).toEqual([]);
    act(() => set("completed"));
    expect(await screen.findByText(/22 of 384/)).toBeTruthy();
  });
});

describe("the meter of a stored conversation", () => {
  it("asks by its id and knows the messages by theirs", async () => {
    const api = new FakeApi().on(STORED, (request) => counted(request, [3, 4], [3]));
    const app = testApp(api);
    showTranscript(app, "c:7", [...exchange("one", "first", 1), ...exchange("two", "second", 3)]);
    renderInApp(app, <Lines transcript="c:7" draft="" />);
    const note = await screen.findByTestId("outside-note");
    expect(note.nextElementSibling?.textContent).toBe("second");
    expect(asked(api)).toEqual([{ draft: "" }]);
  });

  it("says before sending that a draft is too long, and pushes nothing out for it", async () => {
    const api = new FakeApi().on(STORED, (request) => counted(request, [1, 2, 3, 4], [1, 2]));
    const app = testApp(api);
    showTranscript(app, "c:7", [...exchange("one", "first", 1), ...exchange("two", "second", 3)]);
    const page = (draft: string) => (
      <>
        <Lines transcript="c:7" draft={draft} />
        <ContextMeter transcriptKey="c:7" draft={draft} />
      </>
    );
    const { rerender } = renderInApp(app, page(""));
    expect(await screen.findByText(/22 of 384/)).toBeTruthy();
    expect(api.count(STORED)).toBe(1);
    const status = within(screen.getByTestId("context-meter")).getByRole("status");
    expect(status.textContent).toBe("");
    rerender(page("x".repeat(384)));
    expect(await screen.findByText("18 tokens too long", { exact: false })).toBeTruthy();
    expect(status.textContent).toBe("This message is too long for the model.");
    expect(screen.getByTestId("outside-note").nextElementSibling?.textContent).toBe("two");
  });

  it("explains the window and lists what has fallen out", async () => {
    const api = new FakeApi().on(STORED, (request) => counted(request, [1, 2, 3, 4], [1, 2]));
    const app = testApp(api);
    showTranscript(app, "c:7", [...exchange("one", "first", 1), ...exchange("two", "second", 3)]);
    renderInApp(app, <ContextMeter transcriptKey="c:7" draft="abc" />);
    await userEvent.click(await screen.findByTestId("context-open"));
    const parts = within(await screen.findByTestId("context-parts"));
    const rows = parts.getAllByRole("definition").map((row) => row.textContent);
    expect(rows).toEqual(["20", "5", "120", "239"]);
    const list = within(screen.getByTestId("context-fallen-out")).getAllByRole("listitem");
    expect(list.map((item) => item.textContent)).toEqual(["You: one", "EuGPT: first"]);
  });

  it("shows nothing where the server cannot count", async () => {
    const api = new FakeApi().on(STORED, () =>
      json(503, { code: "model_unavailable", detail: "", retry_after: 10 }),
    );
    const app = testApp(api);
    showTranscript(app, "c:7", exchange("one", "first", 1));
    renderInApp(app, <ContextMeter transcriptKey="c:7" draft="" />);
    await waitFor(() => expect(api.count(STORED)).toBe(1));
    await pause(30);
    expect(screen.queryByTestId("context-open")).toBeNull();
    expect(app.chat.state.get().notice).toBe(INITIAL_STATE.notice);
  });
});
