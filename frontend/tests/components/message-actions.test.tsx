import { act, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { FakeApi, json } from "../fakes/fake-api";
import { exchange } from "../fakes/test-app";
import { openTranscript } from "./open-transcript";
import type { Message, ReplyDetails } from "@/lib/chat/state";

const TWO = [...exchange("one?", "First.", 1), ...exchange("two?", "Second.", 3)];

function messages(role: "user" | "assistant"): HTMLElement[] {
  return screen.getAllByTestId(`message-${role}`);
}

function nth(role: "user" | "assistant", index: number): ReturnType<typeof within> {
  const message = messages(role)[index];
  if (message === undefined) throw new Error("no such message");
  return within(message);
}

function details(changes: Partial<ReplyDetails>): ReplyDetails {
  return {
    generation: "g",
    model: null,
    params: {},
    seed: null,
    promptTokens: null,
    completionTokens: null,
    timings: null,
    hasTrace: false,
    begunTokens: 0,
    status: "completed",
    finishReason: "stop",
    ...changes,
  };
}

describe("editing a message of one's own", () => {
  it("puts a new version in its place, and the focus on the new answer", async () => {
    const { app, transcript } = await openTranscript(TWO);
    await userEvent.click(nth("user", 0).getByRole("button", { name: "Edit message" }));
    const field = screen.getByRole("textbox", { name: "Edit message" });
    expect(document.activeElement).toBe(field);
    await userEvent.type(field, " really?{Enter}");
    const shown = transcript().messages;
    expect(shown.map(({ text }) => text)).toEqual(["one? really?", ""]);
    const reply = app.chat.state.get().replies[shown[1]?.key ?? ""];
    expect(reply?.asked).toEqual({ type: "edit", message: 1 });
    expect(document.activeElement).toBe(messages("assistant")[0]);
  });

  it("changes nothing with Escape, and gives the focus back", async () => {
    const { transcript } = await openTranscript(TWO);
    await userEvent.click(nth("user", 1).getByRole("button", { name: "Edit message" }));
    await userEvent.type(screen.getByRole("textbox", { name: "Edit message" }), "x{Escape}");
    expect(transcript().messages).toHaveLength(4);
    expect(document.activeElement).toBe(
      nth("user", 1).getByRole("button", { name: "Edit message" }),
    );
  });

  it("breaks the line on Shift+Enter, and sends nothing empty", async () => {
    await openTranscript(TWO);
    await userEvent.click(nth("user", 1).getByRole("button", { name: "Edit message" }));
    const field = screen.getByRole<HTMLTextAreaElement>("textbox", { name: "Edit message" });
    await userEvent.type(field, "{Shift>}{Enter}{/Shift}b");
    expect(field.value).toBe("two?\nb");
    await userEvent.clear(field);
    expect(screen.getByTestId<HTMLButtonElement>("save-edit").disabled).toBe(true);
  });

  it("opens again with the text that the server refused", async () => {
    const { app } = await openTranscript(TWO);
    const refusedEdit = { key: "m:1", text: "far too long" };
    act(() => app.chat.state.set({ ...app.chat.state.get(), refusedEdit }));
    const field = screen.getByRole<HTMLTextAreaElement>("textbox", { name: "Edit message" });
    expect(field.value).toBe("far too long");
  });

  it("tells a guest that what follows will go", async () => {
    await openTranscript([...exchange("one?", "First."), ...exchange("two?", "Second.")], {
      isGuest: true,
    });
    await userEvent.click(nth("user", 0).getByRole("button", { name: "Edit message" }));
    expect(screen.getByTestId("message-editor").textContent).toContain("will go");
  });
});

describe("actions of an answer", () => {
  it("copy what it says", async () => {
    const user = userEvent.setup();
    await openTranscript(TWO);
    await user.click(nth("assistant", 0).getByRole("button", { name: "Copy answer" }));
    expect(await navigator.clipboard.readText()).toBe("First.");
    expect(nth("assistant", 0).getByRole("button", { name: "Copied" })).toBeTruthy();
  });

  it("can all be reached by keyboard, also those of older messages", async () => {
    await openTranscript(TWO);
    await screen.findAllByTestId("more");
    const names: (string | null | undefined)[] = [];
    for (let press = 0; press < 22; press += 1) {
      await userEvent.tab();
      names.push(document.activeElement?.getAttribute("aria-label"));
    }
    const once = ["Copy message", "Edit message", "Copy answer", "Answer again", "Good answer", "More"];
    for (const name of once) expect(names.filter((other) => other === name).length).toBeGreaterThan(1);
  });

  it("ask again: a new answer takes the place, and has the focus", async () => {
    const { app, transcript } = await openTranscript(TWO);
    await userEvent.click(nth("assistant", 1).getByRole("button", { name: "Answer again" }));
    const key = transcript().messages.at(-1)?.key ?? "";
    expect(app.chat.state.get().replies[key]?.asked).toEqual({ type: "regenerate", message: 4 });
    expect(document.activeElement).toBe(messages("assistant")[1]);
  });

  it("let only go on what was cut short", async () => {
    const answers: Message[] = TWO.map((message) =>
      message.key === "m:2" ? { ...message, details: details({ finishReason: "length" }) } : message,
    );
    await openTranscript(answers);
    expect(nth("assistant", 0).getByRole("button", { name: "Continue this answer" })).toBeTruthy();
    expect(nth("assistant", 1).queryByTestId("continue")).toBeNull();
  });

  it("wait while an answer is being written", async () => {
    await openTranscript(TWO);
    await userEvent.click(nth("assistant", 1).getByRole("button", { name: "Answer again" }));
    const again = nth("assistant", 0).getByRole("button", { name: "Answer again" });
    expect(again.hasAttribute("disabled")).toBe(true);
    expect(nth("assistant", 1).queryByTestId("regenerate")).toBeNull();
  });

  it("never drop what follows: a guest asks again only for the newest", async () => {
    await openTranscript([...exchange("one?", "First."), ...exchange("two?", "Second.")], {
      isGuest: true,
    });
    expect(nth("assistant", 0).queryByTestId("regenerate")).toBeNull();
    expect(nth("assistant", 1).getByTestId("regenerate")).toBeTruthy();
  });
});

describe("versions of a message", () => {
  const FIRST = TWO.slice(0, 2).map((message) =>
    message.key === "m:2"
      ? { ...message, siblings: { index: 1, count: 2, previous: null, next: 9 } }
      : message,
  );

  function serverWithSecond(): FakeApi {
    const row = { parent: null, created_at: "2026-11-22T10:00:00Z", generation: null };
    const other = { index: 2, count: 2, previous: 2, next: null };
    const only = { index: 1, count: 1, previous: null, next: null };
    const body = {
      id: 7,
      title: "t",
      created_at: row.created_at,
      updated_at: row.created_at,
      head: 9,
      messages: [
        { ...row, id: 1, role: "user", content: "one?", siblings: only },
        { ...row, id: 9, role: "assistant", content: "Another.", parent: 1, siblings: other },
      ],
    };
    return new FakeApi()
      .on("PATCH /api/conversations/7", () => json(200, body))
      .on("GET /api/conversations/7?limit=100", () => json(200, body));
  }

  it("are switched in place, and the focus stays on the switch", async () => {
    const api = serverWithSecond();
    await openTranscript(FIRST, { api });
    const versions = nth("assistant", 0);
    expect(versions.getByTestId("versions").textContent).toContain("1/2");
    const next = versions.getByRole("button", { name: "Next version" });
    next.focus();
    await userEvent.keyboard("{Enter}");
    expect(await screen.findByText("Another.")).toBeTruthy();
    expect(nth("assistant", 0).getByTestId("versions").textContent).toContain("2/2");
    expect(api.requests.find(({ method }) => method === "PATCH")?.body).toEqual({ head: 9 });
    await vi.waitFor(() =>
      expect(document.activeElement?.getAttribute("aria-label")).toBe("Next version"),
    );
  });

  it("end where there are no more, without losing the focus", async () => {
    const api = new FakeApi();
    await openTranscript(FIRST, { api });
    const previous = nth("assistant", 0).getByRole("button", { name: "Previous version" });
    expect(previous.getAttribute("aria-disabled")).toBe("true");
    previous.focus();
    await userEvent.keyboard("{Enter}");
    expect(api.requests).toEqual([]);
    expect(document.activeElement).toBe(previous);
  });
});
