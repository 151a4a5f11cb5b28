import { act, cleanup, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { ChatPage } from "@/components/chat/chat-page";
import { Providers } from "@/components/providers";
import { listenForShortcuts } from "@/lib/shortcuts";
import { GENERATION, token } from "../fakes/builders";
import { FakeApi } from "../fakes/fake-api";
import { FakeWebSocket } from "../fakes/fake-web-socket";

async function openPage() {
  render(
    <Providers>
      <ChatPage />
    </Providers>,
  );
  await waitFor(() => FakeWebSocket.newest());
  act(() => FakeWebSocket.newest().serveReady());
}

/** Serves events and waits for the frame that shows them. */
async function serve(...events: readonly object[]): Promise<void> {
  await act(async () => {
    events.forEach((event) => FakeWebSocket.newest().serve(event));
    await new Promise((resolve) => setTimeout(resolve, 60));
  });
}

async function ask(text: string): Promise<string> {
  await userEvent.type(screen.getByTestId("composer"), `${text}{Enter}`);
  await screen.findAllByTestId("message-user");
  return FakeWebSocket.newest().lastSent("prompt").client_id;
}

function announced(): (string | null)[] {
  return [...screen.getByTestId("announcer").children].map((line) => line.textContent);
}

function accept(clientId: string): object {
  return { type: "accepted", generation: GENERATION, conversation: null, client_id: clientId };
}

beforeEach(() => {
  vi.stubGlobal("WebSocket", FakeWebSocket);
  vi.stubGlobal("fetch", new FakeApi().fetch);
  FakeWebSocket.instances = [];
});

describe("a guest's chat", () => {
  it("shows the question, the place in the queue, the growing text and the end", async () => {
    await openPage();
    const clientId = await ask("hi");
    expect(screen.getByTestId("message-user").textContent).toContain("hi");
    await serve(accept(clientId), {
      type: "queued",
      generation: GENERATION,
      position: 2,
      eta_s: 3.5,
    });
    expect(screen.getByTestId("queue-line").textContent).toBe("2nd in line, about 4 s");
    await serve(token(0, "Hello"), token(1, " there"));
    const answer = screen.getByTestId("message-assistant");
    expect(within(answer).getByText("Hello there")).toBeTruthy();
    expect(screen.getByTestId("announcer").lastChild?.textContent).toBe("EuGPT is answering.");
    expect(screen.queryByTestId("send")).toBeNull();
    await serve({
      type: "done",
      generation: GENERATION,
      text: "Hello there!",
      finish_reason: "stop",
    });
    expect(within(answer).getByText("Hello there!")).toBeTruthy();
    expect(announced().slice(-2)).toEqual(["Hello there!", "End of the answer."]);
    expect(screen.getByTestId("send")).toBeTruthy();
  });

  it("renders markup in an answer as text", async () => {
    await openPage();
    const clientId = await ask("hi");
    const text = '<img src="x" onerror="alert(1)">';
    await serve(accept(clientId), token(0, text));
    const answer = screen.getByTestId("message-assistant");
    expect(answer.querySelector("img")).toBeNull();
    expect(within(answer).getByText(text)).toBeTruthy();
  });

  it("stops an answer and says so", async () => {
    await openPage();
    const clientId = await ask("a story");
    await serve(accept(clientId), token(0, "Once"));
    await userEvent.click(screen.getByTestId("stop"));
    expect(FakeWebSocket.newest().lastSent("cancel").generation).toBe(GENERATION);
    await serve({
      type: "done",
      generation: GENERATION,
      text: "Once",
      finish_reason: "cancelled",
    });
    expect(screen.getByTestId("footnote").textContent).toContain("stopped");
  });

  it("offers to try a refused prompt again", async () => {
    await openPage();
    const clientId = await ask("hi");
    await serve({ type: "error", code: "unavailable", detail: "", client_id: clientId });
    await userEvent.click(screen.getByTestId("retry"));
    expect(screen.getAllByTestId("message-user")).toHaveLength(1);
    expect(FakeWebSocket.newest().lastSent("prompt").client_id).not.toBe(clientId);
  });

  it("gives a prompt that is too long back for editing", async () => {
    await openPage();
    const clientId = await ask("a very long text");
    await serve({ type: "error", code: "prompt_too_long", detail: "", client_id: clientId });
    await userEvent.click(within(screen.getByTestId("reply-failure")).getByRole("button", { name: "Edit message" }));
    expect(screen.getByTestId<HTMLTextAreaElement>("composer").value).toBe("a very long text");
    expect(screen.queryByTestId("message-user")).toBeNull();
  });

  it("sends a starter prompt at a click", async () => {
    await openPage();
    await userEvent.click(screen.getByRole("button", { name: /are you a person/ }));
    expect(FakeWebSocket.newest().lastSent("prompt").text).toBe("are you a person?");
    // What was pressed has gone.
    expect(document.activeElement).toBe(screen.getByTestId("composer"));
  });

  it("breaks the line on Shift+Enter", async () => {
    await openPage();
    await userEvent.type(screen.getByTestId("composer"), "one{Shift>}{Enter}{/Shift}two");
    expect(FakeWebSocket.newest().sent).toEqual([]);
    expect(screen.getByTestId<HTMLTextAreaElement>("composer").value).toBe("one\ntwo");
  });

  it("keeps what was typed over a reload, until it is sent", async () => {
    await openPage();
    await userEvent.type(screen.getByTestId("composer"), "a question");
    cleanup();
    await openPage();
    const composer = () => screen.getByTestId<HTMLTextAreaElement>("composer");
    expect(composer().value).toBe("a question");
    await userEvent.type(composer(), "{Enter}");
    expect(composer().value).toBe("");
    cleanup();
    await openPage();
    expect(composer().value).toBe("");
  });

  it("reads each sentence once when it is finished", async () => {
    await openPage();
    const clientId = await ask("hi");
    await serve(accept(clientId), token(0, "I am fine. And"));
    expect(announced().slice(-2)).toEqual(["EuGPT is answering.", "I am fine."]);
    await serve(token(1, " you"));
    expect(announced().at(-1)).toBe("I am fine.");
  });

  it("stops with Escape", async () => {
    await openPage();
    const clientId = await ask("a story");
    await serve(accept(clientId), token(0, "Once"));
    const stopListening = listenForShortcuts();
    await userEvent.keyboard("{Escape}");
    stopListening();
    expect(FakeWebSocket.newest().lastSent("cancel").generation).toBe(GENERATION);
  });
});
