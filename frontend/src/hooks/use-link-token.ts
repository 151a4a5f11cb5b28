"use client";

import { useEffect, useState } from "react";
import { takeLinkToken } from "@/lib/link-token";

/** The token of the mail's link that was opened; null without one, undefined until that is known. */
export function useLinkToken(): string | null | undefined {
  const [token, setToken] = useState<string | null | undefined>(undefined);
  useEffect(() => {
    const look = (): void => {
      const taken = takeLinkToken();
      setToken((before) => taken ?? before ?? null);
    };
    look();
    // Another link, pasted into the address of this page.
    addEventListener("hashchange", look);
    return () => removeEventListener("hashchange", look);
  }, []);
  return token;
}
