import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, fireEvent, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { afterEach, expect, vi } from "vitest";
import type { FakeConversations } from "../fakes/fake-conversations";
import { Sidebar } from "@/components/sidebar/sidebar";
import { Toaster } from "@/components/ui/toaster";
import { AppContext } from "@/hooks/use-app";
import { useShownConversation } from "@/hooks/use-shown-conversation";
import { parseUser } from "@/lib/api/auth";
import { type App, createApp } from "@/lib/app";
import { dismissToast, shownToasts } from "@/lib/toasts";

let opened: App | null = null;

/** What waits to be deleted, and the notices, belong to the page and would outlive a test. */
afterEach(() => {
  opened?.session.lose(null);
  opened = null;
  shownToasts.set([]);
});

/** The sidebar of somebody signed in, on a wide screen, in front of `server`. */
export async function openSidebar(server: FakeConversations): Promise<App> {
  vi.stubGlobal("fetch", server.fetch);
  vi.stubGlobal("matchMedia", wideScreen);
  const ignore = (): void => undefined;
  const app = createApp({
    onDraftStored: ignore,
    onConversationsChanged: ignore,
    onIdentityChanged: ignore,
  });
  opened = app;
  const user = parseUser({ id: 1, username: "ada" });
  app.session.state.set({ ...app.session.state.get(), status: "member", user });
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(
    <QueryClientProvider client={client}>
      <AppContext value={app}>
        <Page />
        <Toaster />
      </AppContext>
    </QueryClientProvider>,
  );
  await waitFor(() => expect(screen.queryByTestId("list-skeleton")).toBeNull());
  return app;
}

function Page() {
  const [isOpen, setIsOpen] = useState(false);
  const conversation = useShownConversation();
  return (
    <Sidebar
      conversation={conversation}
      isOpen={isOpen}
      onOpenChange={setIsOpen}
      onNewChat={() => undefined}
    />
  );
}

/** As if their time were over. */
export function closeToasts(): void {
  for (const { id } of shownToasts.get()) dismissToast(id);
}

export function titles(): readonly (string | null)[] {
  return screen.queryAllByTestId("conversation-item").map((item) => item.textContent);
}

/** Chooses an entry of the menu of the conversation called so. */
export async function chooseFromMenu(title: string, entry: string): Promise<void> {
  // Opened by key: happy-dom has no pointer events that Radix would take.
  const button = screen.getByRole("button", { name: `Options for ${title}` });
  act(() => button.focus());
  await userEvent.keyboard("{Enter}");
  fireEvent.click(await screen.findByTestId(entry));
  await focusToSettle();
}

export async function chooseFromListMenu(entry: string): Promise<void> {
  act(() => screen.getByTestId("list-menu").focus());
  await userEvent.keyboard("{Enter}");
  fireEvent.click(await screen.findByTestId(entry));
  await focusToSettle();
}

/** What closes hands the focus on two frames later. */
async function focusToSettle(): Promise<void> {
  await act(() => new Promise((resolve) => setTimeout(resolve, 80)));
}

function wideScreen(query: string): MediaQueryList {
  const ignore = (): void => undefined;
  const matches = query.includes("min-width");
  return { matches, media: query, addEventListener: ignore, removeEventListener: ignore } as never;
}
