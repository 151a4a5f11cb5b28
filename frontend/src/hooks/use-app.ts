"use client";

import { createContext, useContext } from "react";
import { useSelected, useStore } from "./use-store";
import type { App } from "@/lib/app";
import type { ChatState } from "@/lib/chat/state";
import type { Failure } from "@/lib/failure";
import type { Session } from "@/lib/session";
import type { SocketStatus } from "@/lib/ws/socket";

export const AppContext = createContext<App | null>(null);

export function useApp(): App {
  const app = useContext(AppContext);
  if (app === null) throw new Error("useApp needs an AppContext above it");
  return app;
}

export function useSession(): Session {
  return useStore(useApp().session.state);
}

export function useConnection(): SocketStatus {
  return useStore(useApp().connection);
}

/** Why there is no connection, where the server has said so. */
export function useConnectionProblem(): Failure | null {
  return useStore(useApp().problem);
}

export function useChat<S>(select: (state: ChatState) => S): S {
  return useSelected(useApp().chat.state, select);
}
