import { act, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it } from "vitest";
import { FakeApi, json } from "../fakes/fake-api";
import { exchange, renderInApp, showTranscript, testApp } from "../fakes/test-app";
import { FeedbackButtons } from "@/components/feedback/feedback-buttons";
import { ReportDialog } from "@/components/feedback/report-dialog";
import { useChat } from "@/hooks/use-app";
import type { App } from "@/lib/app";
import type { Message } from "@/lib/chat/state";
import { shownToasts } from "@/lib/toasts";

const PUT = "PUT /api/messages/2/feedback";
const DELETE = "DELETE /api/messages/2/feedback";
const REPORT = "POST /api/messages/2/report";

beforeEach(() => shownToasts.set([]));

function useAnswer(): Message | undefined {
  return useChat((state) => state.transcripts["c:7"]?.messages[1]);
}

function Buttons() {
  const message = useAnswer();
  return message && <FeedbackButtons message={message} />;
}

function Report({ onOpenChange }: { onOpenChange: (isOpen: boolean) => void }) {
  const message = useAnswer();
  return message && <ReportDialog message={message} isOpen onOpenChange={onOpenChange} />;
}

function open(api: FakeApi, children: React.ReactNode): App {
  const app = testApp(api);
  showTranscript(app, "c:7", exchange("Do dogs bark?", "They have five legs.", 1));
  renderInApp(app, children);
  return app;
}

function pressed(): string[] {
  return ["up", "down"].filter(
    (rating) => screen.getByTestId(`thumb-${rating}`).getAttribute("aria-pressed") === "true",
  );
}

function bodies(api: FakeApi): unknown[] {
  return api.requests.map(({ method, body }) => (body === null ? method : body));
}

describe("thumbs", () => {
  it("are shown for stored answers only", () => {
    const app = testApp(new FakeApi());
    showTranscript(app, "c:7", exchange("Do dogs bark?", "Yes."));
    renderInApp(app, <Buttons />);
    expect(screen.queryByTestId("thumb-up")).toBeNull();
  });

  it("are pressed at once, sent, changed and taken back", async () => {
    const api = new FakeApi().on(PUT, () => json(200, {})).on(DELETE, () => json(204, null));
    open(api, <Buttons />);
    await userEvent.click(screen.getByTestId("thumb-up"));
    expect(pressed()).toEqual(["up"]);
    await userEvent.click(screen.getByTestId("thumb-down"));
    expect(pressed()).toEqual(["down"]);
    await userEvent.click(screen.getByTestId("thumb-down"));
    expect(pressed()).toEqual([]);
    await waitFor(() =>
      expect(bodies(api)).toEqual([
        { rating: "up", comment: "" },
        { rating: "down", comment: "" },
        "DELETE",
      ]),
    );
  });

  it("ask for a comment, which is optional", async () => {
    const api = new FakeApi().on(PUT, () => json(200, {}));
    open(api, <Buttons />);
    await userEvent.click(screen.getByTestId("thumb-down"));
    const field = await screen.findByRole("textbox", { name: /What was wrong/ });
    await userEvent.type(field, " Dogs have four. ");
    await userEvent.click(screen.getByTestId("comment-send"));
    await waitFor(() =>
      expect(bodies(api).at(-1)).toEqual({ rating: "down", comment: "Dogs have four." }),
    );
    expect(screen.queryByRole("textbox")).toBeNull();
    expect(pressed()).toEqual(["down"]);
    await waitFor(() => expect(shownToasts.get().at(-1)?.text).toMatch(/Thank you/));
  });

  it("give the focus back when the comment is dismissed", async () => {
    const api = new FakeApi().on(PUT, () => json(200, {}));
    open(api, <Buttons />);
    await userEvent.click(screen.getByTestId("thumb-up"));
    await screen.findByRole("textbox");
    await userEvent.keyboard("{Escape}");
    expect(screen.queryByRole("textbox")).toBeNull();
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId("thumb-up")));
    expect(pressed()).toEqual(["up"]);
  });

  it("go back to what the server has when it refuses", async () => {
    let isRefusing = false;
    const api = new FakeApi().on(PUT, () =>
      isRefusing ? json(429, { code: "rate_limited", detail: "" }) : json(200, {}),
    );
    open(api, <Buttons />);
    await userEvent.click(screen.getByTestId("thumb-up"));
    await waitFor(() => expect(api.count(PUT)).toBe(1));
    isRefusing = true;
    await userEvent.click(screen.getByTestId("thumb-down"));
    await waitFor(() => expect(pressed()).toEqual(["up"]));
    expect(shownToasts.get().at(-1)?.text).toMatch(/not saved.*a lot in a short time/);
  });

  it("leave out what the person has changed meanwhile", async () => {
    const answers: ((response: Response) => void)[] = [];
    const api = new FakeApi().on(PUT, () => new Promise((resolve) => answers.push(resolve)));
    open(api, <Buttons />);
    await userEvent.click(screen.getByTestId("thumb-up"));
    await userEvent.click(screen.getByTestId("thumb-down"));
    await userEvent.click(screen.getByTestId("thumb-up"));
    expect(api.requests).toHaveLength(1);
    await act(async () => answers[0]?.(json(503, { code: "unavailable", detail: "" })));
    await waitFor(() => expect(api.requests).toHaveLength(2));
    await act(async () => answers[1]?.(json(200, {})));
    expect(bodies(api)).toEqual([
      { rating: "up", comment: "" },
      { rating: "up", comment: "" },
    ]);
    expect(pressed()).toEqual(["up"]);
    expect(shownToasts.get()).toEqual([]);
  });
});

describe("a report", () => {
  it("needs a reason, is sent, and is thanked for", async () => {
    const api = new FakeApi().on(REPORT, () => json(201, {}));
    let isOpen = true;
    const app = open(api, <Report onOpenChange={(next) => (isOpen = next)} />);
    const send = screen.getByTestId<HTMLButtonElement>("report-send");
    expect(send.disabled).toBe(true);
    await userEvent.click(screen.getByRole("radio", { name: "It is wrong in a way that matters" }));
    await userEvent.type(screen.getByRole("textbox"), "Four.");
    await userEvent.click(send);
    expect(await screen.findByRole("heading", { name: "Thank you" })).toBeTruthy();
    expect(bodies(api)).toEqual([{ reason: "wrong", comment: "Four." }]);
    expect(app.chat.state.get().transcripts["c:7"]?.messages[1]?.isReported).toBe(true);
    await userEvent.click(screen.getByTestId("report-close"));
    expect(isOpen).toBe(false);
  });

  it("says why it could not be sent, and keeps what was written", async () => {
    const api = new FakeApi().on(REPORT, () => json(503, { code: "unavailable", detail: "" }));
    const app = open(api, <Report onOpenChange={() => undefined} />);
    await userEvent.click(screen.getByRole("radio", { name: "Something else" }));
    await userEvent.type(screen.getByRole("textbox"), "Hm.");
    await userEvent.click(screen.getByTestId("report-send"));
    expect((await screen.findByRole("alert")).textContent).toMatch(/out of reach/);
    expect(screen.getByRole<HTMLTextAreaElement>("textbox").value).toBe("Hm.");
    expect(screen.getByTestId<HTMLButtonElement>("report-send").disabled).toBe(false);
    expect(app.chat.state.get().transcripts["c:7"]?.messages[1]?.isReported).toBe(false);
  });
});
