import { act, render, screen } from "@testing-library/react";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { FakeApi } from "../fakes/fake-api";
import { showTranscript, testApp } from "../fakes/test-app";
import { TranscriptView } from "@/components/chat/transcript-view";
import { AppContext } from "@/hooks/use-app";
import { parseUser } from "@/lib/api/auth";
import type { App } from "@/lib/app";
import type { Message, Transcript } from "@/lib/chat/state";

const KEY = "c:7";
const NONE: ReadonlySet<string> = new Set();

interface Opened {
  readonly app: App;
  /** As it is now, after whatever was done. */
  readonly transcript: () => Transcript;
}

/** The messages of conversation 7, before somebody signed in, or before a guest. */
export async function openTranscript(
  messages: readonly Message[],
  { isGuest = false, api = new FakeApi(), hasOlder = false } = {},
): Promise<Opened> {
  const app = testApp(api);
  const user = isGuest ? null : parseUser({ id: 1, username: "ada" });
  const status = isGuest ? "guest" : "member";
  app.session.state.set({ ...app.session.state.get(), status, user });
  app.chat.reset({ isGuest });
  showTranscript(app, KEY, messages);
  const transcript = (): Transcript => {
    const found = app.chat.state.get().transcripts[KEY];
    if (found === undefined) throw new Error("the transcript has gone");
    return found;
  };
  if (hasOlder) {
    const state = app.chat.state.get();
    app.chat.state.set({ ...state, transcripts: { [KEY]: { ...transcript(), hasOlder } } });
  }
  await act(async () => {
    render(
      <QueryClientProvider client={new QueryClient()}>
        <AppContext value={app}>
          <TranscriptView
            transcriptKey={KEY}
            outside={NONE}
            firstInside={null}
            onEdit={() => undefined}
            welcome={null}
          />
        </AppContext>
      </QueryClientProvider>,
    );
  });
  // Loaded when first needed, as the rows of actions are.
  await screen.findAllByRole("article");
  return { app, transcript };
}
