"use client";

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import dynamic from "next/dynamic";
import { type ReactNode, useEffect, useState } from "react";
import { createListRefresher } from "@/hooks/list-refresher";
import { AppContext } from "@/hooks/use-app";
import { usePreferencesKeeper } from "@/hooks/use-preferences";
import { conversationInAddress, showConversation } from "@/hooks/use-shown-conversation";
import { useStore } from "@/hooks/use-store";
import { useThemeKeeper } from "@/hooks/use-theme";
import { ApiError } from "@/lib/api/errors";
import { type App, createApp } from "@/lib/app";
import { clearDraftsOnSignOut } from "@/lib/drafts";
import { SUSPENDED } from "@/lib/failure-shape";
import { patiently } from "@/lib/patiently";
import { forgetReplays } from "@/lib/replays";
import { clearToasts, shownToasts } from "@/lib/toasts";

// Loaded with the first notice: it is not needed to see or to write anything.
const Toaster = dynamic(
  () => patiently(async () => (await import("@/components/ui/toaster")).Toaster),
  { ssr: false },
);

const SuspendedPage = dynamic(
  () => patiently(async () => (await import("@/components/suspended-page")).SuspendedPage),
  { ssr: false },
);

const MAX_RETRIES = 3;

export function Providers({ children }: { children: ReactNode }) {
  const [client] = useState(createQueryClient);
  const [app] = useState(() => createBrowserApp(client));
  useEffect(() => app.start(), [app]);
  useEffect(() => clearDraftsOnSignOut(app.session.state), [app]);
  const { ended } = useStore(app.session.state);
  const hasToasts = useStore(shownToasts).length > 0;
  useThemeKeeper();
  usePreferencesKeeper();
  return (
    <QueryClientProvider client={client}>
      <AppContext value={app}>
        {ended?.code === SUSPENDED ? <SuspendedPage failure={ended} /> : children}
        {hasToasts && <Toaster />}
      </AppContext>
    </QueryClientProvider>
  );
}

function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 30_000,
        retry: (count, error) => count < MAX_RETRIES && isWorthRetrying(error),
      },
    },
  });
}

function isWorthRetrying(error: Error): boolean {
  return error instanceof ApiError && (error.status === 0 || error.status >= 500);
}

function createBrowserApp(client: QueryClient): App {
  const app: App = createApp({
    onDraftStored: (conversation) => {
      if (location.pathname === "/" && conversationInAddress() === null) {
        showConversation(conversation, { replace: true });
      }
    },
    onConversationsChanged: createListRefresher(client, () => app.api),
    onIdentityChanged: () => {
      client.clear();
      clearToasts();
      forgetReplays();
    },
    onSignedOutElsewhere: () => {
      if (location.pathname === "/") showConversation(null, { replace: true });
    },
  });
  return app;
}
