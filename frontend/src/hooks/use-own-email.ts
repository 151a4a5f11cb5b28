"use client";

import { useEffect } from "react";
import { useApp, useSession } from "./use-app";
import { readMe } from "@/lib/api/email";

export interface OwnEmail {
  readonly email: string | null;
  readonly pending: string | null;
  /** Reads the account again. */
  readonly look: () => Promise<void>;
}

/** The account's address; while it waits for its link, it is looked for whenever the page is seen. */
export function useOwnEmail(): OwnEmail {
  const { api, session } = useApp();
  const { user } = useSession();
  const isWaiting = (user?.pendingEmail ?? null) !== null;

  useEffect(() => {
    if (!isWaiting) return;
    const look = (): void => {
      if (document.visibilityState !== "visible") return;
      readMe(api).then(
        (read) => session.replaceUser(read),
        () => undefined,
      );
    };
    look();
    document.addEventListener("visibilitychange", look);
    addEventListener("focus", look);
    return () => {
      document.removeEventListener("visibilitychange", look);
      removeEventListener("focus", look);
    };
  }, [api, session, isWaiting]);

  return {
    email: user?.email ?? null,
    pending: user?.pendingEmail ?? null,
    look: async () => session.replaceUser(await readMe(api)),
  };
}
