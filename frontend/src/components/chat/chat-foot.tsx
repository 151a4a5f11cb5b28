"use client";

import dynamic from "next/dynamic";
import Link from "next/link";
import type { RefObject } from "react";
import { Composer } from "./composer";
import { useApp, useSession } from "@/hooks/use-app";
import type { RefusedPrompt, TranscriptKey } from "@/lib/chat/state";
import { cn } from "@/lib/cn";
import { patiently } from "@/lib/patiently";

/** Hardly ever needed. */
const NoticeCard = dynamic(
  () => patiently(async () => (await import("./notice-card")).NoticeCard),
  { ssr: false },
);

/** Nothing can be counted before the page is there. */
const FootMeters = dynamic(
  () => patiently(async () => (await import("./foot-meters")).FootMeters),
  { ssr: false },
);

interface ChatFootProps {
  readonly inputRef: RefObject<HTMLTextAreaElement | null>;
  readonly transcriptKey: TranscriptKey;
  readonly text: string;
  readonly maxTokens: number | null;
  readonly isEmpty: boolean;
  readonly isAnswering: boolean;
  readonly isReady: boolean;
  readonly isDisabled: boolean;
  readonly isTemporary: boolean;
  /** What was sent last and came back. */
  readonly refusal: RefusedPrompt | null;
  /** With what is in the message field. */
  readonly onMoveToNewChat: () => void;
  readonly onTextChange: (text: string) => void;
  readonly onSend: () => void;
  readonly onStop: () => void;
}

/** The message field, how full the model's memory is, and what not to expect of the model. */
export function ChatFoot(props: ChatFootProps) {
  const { transcriptKey, text, maxTokens, isEmpty, refusal, onMoveToNewChat, ...composer } = props;
  // What is typed in a temporary chat is stored nowhere, and so cannot be taken along.
  const canMove = refusal !== null && refusal.about !== "prompt" && !composer.isTemporary;
  const { chat } = useApp();
  const { status } = useSession();
  const hasMeter = !isEmpty || text.trim() !== "";
  return (
    <div className="mx-auto w-full max-w-3xl px-3 pt-2 pb-[max(0.5rem,env(safe-area-inset-bottom))] sm:px-6 low:pt-1 low:pb-[max(0.25rem,env(safe-area-inset-bottom))]">
      {refusal && (
        <div className="mb-2">
          <NoticeCard
            notice={refusal.notice}
            about={refusal.about}
            onMoveToNewChat={canMove ? onMoveToNewChat : undefined}
            onDismiss={() => chat.dismissNotice()}
          />
        </div>
      )}
      <Composer text={text} {...composer} />
      <div
        className={cn(
          "mt-1 flex min-h-8 items-center justify-center gap-x-4 pointer-coarse:min-h-11",
          // An empty page has the room, and what a guest has to know.
          !isEmpty && "low:hidden",
        )}
      >
        {hasMeter && (
          <div className="min-w-0 flex-1">
            <FootMeters transcriptKey={transcriptKey} draft={text} maxTokens={maxTokens} />
          </div>
        )}
        <p
          className={cn(
            "py-1 text-xs text-ink-soft",
            hasMeter ? "pr-2 text-end max-sm:hidden" : "text-center text-pretty",
          )}
        >
          A small model: friendly, but often wrong.
          {composer.isTemporary && " This chat is not saved."}
          {status !== "member" && (
            // In the first paint already: a line that came later would move the page.
            <span className={status === "restoring" ? "boot-guest" : undefined}>
              {" "}
              Guest chats are gone when you leave.{" "}
              <Link href="/settings/" className="rounded underline underline-offset-4">
                Settings
              </Link>
            </span>
          )}
        </p>
      </div>
    </div>
  );
}
