import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import { vi } from "vitest";
import type { FakeApi } from "./fake-api";
import { Toaster } from "@/components/ui/toaster";
import { AppContext } from "@/hooks/use-app";
import { createApp, type App } from "@/lib/app";
import {
  EMPTY_TRANSCRIPT,
  INITIAL_STATE,
  localMessage,
  type Message,
  type TranscriptKey,
} from "@/lib/chat/state";

/** The real app without a socket; the API is played by `api`. */
export function testApp(api: FakeApi): App {
  vi.stubGlobal("fetch", api.fetch);
  const ignore = (): void => undefined;
  return createApp({
    onDraftStored: ignore,
    onConversationsChanged: ignore,
    onIdentityChanged: ignore,
  });
}

/** Puts a transcript into the chat's state as if it had been loaded or written. */
export function showTranscript(app: App, key: TranscriptKey, messages: readonly Message[]): void {
  const transcripts = { [key]: { ...EMPTY_TRANSCRIPT, messages } };
  app.chat.state.set({ ...INITIAL_STATE, transcripts });
}

/** A question and an answer; with a first id, as they are stored. */
export function exchange(question: string, answer: string, id: number | null = null): Message[] {
  const keys = id === null ? [`u:${question}`, `a:${question}`] : [`m:${id}`, `m:${id + 1}`];
  return [
    { ...localMessage(keys[0] ?? "", "user", question), id },
    { ...localMessage(keys[1] ?? "", "assistant", answer), id: id === null ? null : id + 1 },
  ];
}

export function renderInApp(app: App, children: ReactNode) {
  const client = new QueryClient();
  const page = (content: ReactNode) => (
    <QueryClientProvider client={client}>
      <AppContext value={app}>
        {content}
        <Toaster />
      </AppContext>
    </QueryClientProvider>
  );
  const { rerender } = render(page(children));
  return { rerender: (next: ReactNode) => rerender(page(next)) };
}
