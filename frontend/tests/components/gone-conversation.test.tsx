import { act, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { FakeApi, json } from "../fakes/fake-api";
import { FakeWebSocket } from "../fakes/fake-web-socket";
import { renderInApp, testApp } from "../fakes/test-app";
import { ChatPage } from "@/components/chat/chat-page";
import { TranscriptView } from "@/components/chat/transcript-view";
import { Providers } from "@/components/providers";
import { remedyOf } from "@/lib/failure";
import { MEMBER_FLAG } from "@/lib/session";

it("a conversation that is gone leaves a way to go", async () => {
  history.replaceState(null, "", "/?c=7");
  const app = testApp(new FakeApi());
  await app.chat.open(7);
  renderInApp(
    app,
    <TranscriptView
      transcriptKey="c:7"
      outside={new Set()}
      firstInside={null}
      onEdit={() => undefined}
      welcome={null}
    />,
  );
  expect((await screen.findByRole("alert")).textContent).toContain("has been deleted");
  await userEvent.click(screen.getByRole("button", { name: "Go to a new chat" }));
  expect(location.search).toBe("");
});

/** The page of conversation 7. */
function openAsMember(api: FakeApi): void {
  history.replaceState(null, "", "/?c=7");
  localStorage.setItem(MEMBER_FLAG, "1");
  FakeWebSocket.instances = [];
  vi.stubGlobal("WebSocket", FakeWebSocket);
  const user = { id: 1, username: "ada", created_at: "2026-01-01T00:00:00Z" };
  api
    .on("POST /api/auth/refresh", () => json(200, { token: "t" }))
    .on("GET /api/auth/me", () => json(200, user))
    .on("POST /api/auth/ws-ticket", () => json(200, { ticket: "w", expires_in: 30 }));
  vi.stubGlobal("fetch", api.fetch);
  render(
    <Providers>
      <ChatPage />
    </Providers>,
  );
}

const at = "2026-01-01T00:00:00Z";
const DETAIL = { id: 7, title: "t", created_at: at, updated_at: at, head: null, messages: [] };

it("words for a conversation that has gone meanwhile move to a new chat", async () => {
  const PAGE = "GET /api/conversations/7?limit=100";
  const api = new FakeApi().on(PAGE, () => json(200, DETAIL));
  openAsMember(api);
  await waitFor(() => expect(api.count(PAGE)).toBe(1));
  await waitFor(() => FakeWebSocket.newest());
  act(() => FakeWebSocket.newest().serveReady());
  const composer = screen.getByTestId<HTMLTextAreaElement>("composer");
  await userEvent.type(composer, "long words{Enter}");
  await waitFor(() => expect(composer.value).toBe(""));
  const { client_id } = FakeWebSocket.newest().lastSent("prompt");
  api.on(PAGE, () => json(404, { code: "not_found", detail: "Not found." }));
  act(() => FakeWebSocket.newest().serve({ type: "error", code: "not_found", detail: "", client_id }));
  expect((await screen.findByTestId("notice")).textContent).toContain("not there any more");
  expect(composer.value).toBe("long words");
  expect(await screen.findByRole("button", { name: "Go to a new chat" })).toBeTruthy();
  await userEvent.click(screen.getByTestId("move-to-new-chat"));
  expect(location.search).toBe("");
  expect(composer.value).toBe("long words");
  expect(screen.queryByTestId("notice")).toBeNull();
  await waitFor(() => expect(composer.getAttribute("aria-disabled")).toBeNull());
});

it("nothing can be written into a conversation that is gone, but into a new chat", async () => {
  openAsMember(new FakeApi());
  const back = await screen.findByRole("button", { name: "Go to a new chat" });
  const composer = screen.getByTestId<HTMLTextAreaElement>("composer");
  await userEvent.type(composer, "hi");
  expect(composer.value).toBe("");
  expect(composer.getAttribute("aria-disabled")).toBe("true");
  await userEvent.click(back);
  await waitFor(() => expect(composer.getAttribute("aria-disabled")).toBeNull());
  await userEvent.type(composer, "hi");
  expect(composer.value).toBe("hi");
});

it("asking what is gone once more is not offered", () => {
  expect(remedyOf({ code: "not_found", detail: "", retryAfterS: null })).toBe("none");
});
