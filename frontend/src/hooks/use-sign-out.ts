"use client";

import { useApp } from "./use-app";
import { useDeletes } from "./use-deletes";
import { showConversation } from "./use-shown-conversation";

/** Signs out; what was deleted with an Undo still on the page is deleted first. */
export function useSignOut(): () => Promise<void> {
  const { session } = useApp();
  const deletes = useDeletes();
  return async () => {
    await deletes.flush();
    if (location.pathname === "/") showConversation(null, { replace: true });
    // Out of reach or not, this page forgets the session; a refusal leaves nothing to do.
    await session.logout().catch(() => undefined);
  };
}
