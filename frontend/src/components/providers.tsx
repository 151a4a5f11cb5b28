"use client";

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";
import { Toaster } from "@/components/ui/toaster";
import { TooltipProvider } from "@/components/ui/tooltip";
import { AppContext } from "@/hooks/use-app";
import { CONVERSATIONS } from "@/hooks/use-conversations";
import { usePreferencesKeeper } from "@/hooks/use-preferences";
import { conversationInAddress, showConversation } from "@/hooks/use-shown-conversation";
import { useThemeKeeper } from "@/hooks/use-theme";
import { ApiError } from "@/lib/api/errors";
import { type App, createApp } from "@/lib/app";

const MAX_RETRIES = 3;

export function Providers({ children }: { children: ReactNode }) {
  const [client] = useState(createQueryClient);
  const [app] = useState(() => createBrowserApp(client));
  useEffect(() => app.start(), [app]);
  useThemeKeeper();
  usePreferencesKeeper();
  return (
    <QueryClientProvider client={client}>
      <AppContext value={app}>
        <TooltipProvider delayDuration={500}>{children}</TooltipProvider>
        <Toaster />
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
  return createApp({
    onDraftStored: (conversation) => {
      if (location.pathname === "/" && conversationInAddress() === null) {
        showConversation(conversation, { replace: true });
      }
    },
    onConversationsChanged: () => void client.invalidateQueries({ queryKey: CONVERSATIONS }),
    onIdentityChanged: () => client.clear(),
  });
}
