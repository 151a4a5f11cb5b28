"use client";

import { MessageSquarePlus } from "lucide-react";
import Link from "next/link";
import { type ReactNode, useEffect } from "react";
import { SharedTranscript } from "./shared-transcript";
import { Brand, Twig } from "@/components/brand";
import { ThemeButton } from "@/components/theme-button";
import { Button } from "@/components/ui/button";
import { Skeleton } from "@/components/ui/skeleton";
import { useShared, useSlugInAddress } from "@/hooks/use-shared";
import { toFailure } from "@/lib/api/errors";
import type { SharedConversation } from "@/lib/api/shares";
import { longDate } from "@/lib/dates";
import { describeFailure, type Failure } from "@/lib/failure";

/** What somebody sees who was given a link; nothing here needs an account. */
export function SharedPage() {
  const slug = useSlugInAddress();
  const { data, error, refetch } = useShared(slug);
  const title = data?.title ?? null;
  useEffect(() => {
    document.title = title ? `${title} · EuGPT` : "Shared conversation · EuGPT";
  }, [title]);
  return (
    <div className="flex min-h-dvh flex-col">
      <header className="sticky top-0 z-10 flex h-14 shrink-0 items-center justify-between border-b bg-canvas/95 px-4 sm:px-6">
        <Link href="/" className="flex rounded-lg" aria-label="EuGPT, to the chat">
          <Brand />
        </Link>
        <ThemeButton />
      </header>
      <main className="mx-auto flex w-full max-w-3xl flex-1 flex-col px-4 sm:px-6">
        {slug === null ? (
          <NotThere />
        ) : data ? (
          <Copy shared={data} />
        ) : error ? (
          <Unreadable failure={toFailure(error)} onRetry={() => void refetch()} />
        ) : (
          <Loading />
        )}
      </main>
    </div>
  );
}

function Copy({ shared }: { shared: SharedConversation }) {
  const models = [...new Set(shared.messages.flatMap(({ model }) => model ?? []))];
  const facts = [`Shared on ${longDate(shared.createdAt)}`];
  if (models.length > 0) facts.push(`written with ${models.join(", ")}`);
  if (shared.expiresAt) facts.push(`to be read until ${longDate(shared.expiresAt)}`);
  return (
    <article className="flex flex-1 flex-col" data-testid="shared">
      <div className="pt-8 pb-6 sm:pt-12">
        <h1 className="font-display text-2xl font-bold tracking-tight text-balance wrap-anywhere sm:text-3xl">
          {shared.title}
        </h1>
        <p className="mt-2 text-sm text-ink-soft text-pretty">{facts.join(" · ")}</p>
      </div>
      {shared.omitted > 0 && (
        <p className="mb-6 rounded-xl bg-sunken px-4 py-3 text-sm text-ink-soft">
          {shared.omitted.toLocaleString("en")} older messages are not part of this copy.
        </p>
      )}
      <SharedTranscript messages={shared.messages} />
      <footer className="mt-12 mb-10 flex flex-col items-start gap-4 rounded-2xl border bg-sunken p-5 sm:flex-row sm:items-center">
        <p className="flex-1 text-sm text-ink-soft text-pretty">
          This is a copy that somebody shared. EuGPT is a small model: friendly, but often wrong.
        </p>
        <Button asChild className="max-sm:w-full">
          <Link href="/" data-testid="own-chat">
            <MessageSquarePlus className="size-4" aria-hidden="true" />
            Continue in your own chat
          </Link>
        </Button>
      </footer>
    </article>
  );
}

function Unreadable({ failure, onRetry }: { failure: Failure; onRetry: () => void }) {
  if (failure.code === "not_found") return <NotThere />;
  return (
    <Message title="This cannot be shown right now" text={describeFailure(failure)} isAlert>
      <Button onClick={onRetry} data-testid="retry">
        Try again
      </Button>
      <ToChat />
    </Message>
  );
}

/** Revoked, expired and never made look alike: that is what the server tells, too. */
function NotThere() {
  return (
    <Message
      title="This link leads nowhere"
      text="The conversation is no longer shared, its time is over, or the link is not complete."
    >
      <ToChat />
    </Message>
  );
}

function ToChat() {
  return (
    <Button asChild variant="outline">
      <Link href="/">Start a chat of your own</Link>
    </Button>
  );
}

interface MessageProps {
  readonly title: string;
  readonly text: string;
  readonly isAlert?: boolean;
  readonly children: ReactNode;
}

function Message({ title, text, isAlert = false, children }: MessageProps) {
  return (
    <div
      role={isAlert ? "alert" : undefined}
      data-testid="shared-missing"
      className="flex flex-1 flex-col items-center justify-center pb-24 text-center"
    >
      <Twig className="size-12 text-leaf" />
      <h1 className="mt-6 font-display text-2xl font-bold tracking-tight text-balance">{title}</h1>
      <p className="mt-3 max-w-sm text-ink-soft text-pretty">{text}</p>
      <div className="mt-8 flex flex-wrap justify-center gap-2">{children}</div>
    </div>
  );
}

function Loading() {
  return (
    <div aria-busy="true" className="pt-8 sm:pt-12">
      <p className="sr-only" role="status">
        Loading the shared conversation
      </p>
      <Skeleton className="h-7 w-2/3" />
      <Skeleton className="mt-4 w-1/3" />
      <div className="mt-12 space-y-4">
        <Skeleton className="ml-auto h-10 w-1/2 rounded-3xl" />
        <Skeleton className="w-11/12" />
        <Skeleton className="w-4/5" />
      </div>
    </div>
  );
}
