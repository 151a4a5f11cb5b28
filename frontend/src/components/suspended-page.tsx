"use client";

import { useRouter } from "next/navigation";
import { useEffect, useRef } from "react";
import { Twig } from "./brand";
import { Button } from "./ui/button";
import { useApp } from "@/hooks/use-app";
import { useIsOver } from "@/hooks/use-is-over";
import { showConversation } from "@/hooks/use-shown-conversation";
import { shortMoment, timeUntil } from "@/lib/dates";
import type { Failure } from "@/lib/failure";
import { optionalString } from "@/lib/parse";

/** In place of everything: why nothing of the account can be used, until when, and what is left. */
export function SuspendedPage({ failure: { data = {} } }: { failure: Failure }) {
  const { session } = useApp();
  const router = useRouter();
  const until = optionalString(data, "until");
  const reason = optionalString(data, "reason") ?? "";
  const isOver = useIsOver(until);
  const heading = useRef<HTMLHeadingElement>(null);

  useEffect(() => heading.current?.focus(), []);

  function go(path: string): void {
    // The address may name a conversation of the account.
    if (location.pathname === "/") showConversation(null, { replace: true });
    if (location.pathname !== path) router.replace(path);
    session.dismissEnded();
  }

  return (
    <main
      data-testid="suspended"
      className="mx-auto flex min-h-dvh max-w-md flex-col items-center justify-center px-6 py-12 text-center"
    >
      <Twig className="size-12 text-leaf" />
      <h1
        ref={heading}
        tabIndex={-1}
        className="mt-6 font-display text-3xl font-bold tracking-tight text-balance outline-none"
      >
        {isOver ? "You can come back" : "Your account is suspended"}
      </h1>
      <p className="mt-3 text-ink-soft text-pretty" data-testid="suspended-until">
        {isOver ? "The suspension is over. Sign in to go on." : untilWords(until)}
      </p>
      {!isOver && reason !== "" && (
        <section aria-label="Reason" className="mt-6 w-full rounded-2xl border bg-raised p-5">
          <h2 className="text-sm font-medium text-ink-soft">Reason</h2>
          <p
            dir="auto"
            className="mt-1 break-words whitespace-pre-line"
            data-testid="suspended-reason"
          >
            {reason}
          </p>
        </section>
      )}
      {!isOver && (
        <p className="mt-6 text-sm text-ink-soft text-pretty">
          You are signed out, and your data cannot be downloaded for now. Nothing of it is deleted.
          If you think this is a mistake, write to the people who run this site.
        </p>
      )}
      <div className="mt-8">
        {isOver ? (
          <Button onClick={() => go("/login/")} data-testid="suspended-sign-in">
            Sign in
          </Button>
        ) : (
          <Button variant="outline" onClick={() => go("/")} data-testid="suspended-leave">
            Go to the start page
          </Button>
        )}
      </div>
    </main>
  );
}

function untilWords(until: string | null): string {
  if (until === null) return "It stays so until somebody who runs this site lifts it.";
  return `Until ${shortMoment(until)} – that is ${timeUntil(until)}. Then you can sign in again.`;
}
