"use client";

import { CopyBlock } from "./copy-block";
import { API_ORIGIN } from "@/lib/config";

/** A request that can be pasted into a terminal. */
export function CurlExample({ secret }: { secret: string }) {
  const lines = [
    `curl ${API_ORIGIN || location.origin}/v1/chat/completions`,
    `-H "Authorization: Bearer ${secret}"`,
    `-H "Content-Type: application/json"`,
    `-d '{"model": "eugpt", "messages": [{"role": "user", "content": "Hello!"}]}'`,
  ];
  return <CopyBlock text={lines.join(" \\\n  ")} what="the example" testId="curl" />;
}
