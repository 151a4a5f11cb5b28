"use client";

import { lazy, type ReactNode, Suspense } from "react";
import { ReplayNote } from "./replay-note";
import { Button } from "@/components/ui/button";
import { useGlass } from "@/hooks/use-glass";
import { useReplay } from "@/hooks/use-replay";
import { useTrace } from "@/hooks/use-trace";
import type { Message } from "@/lib/chat/state";
import { patiently } from "@/lib/patiently";

/** Only who looks through the glass loads it. */
const GlassBody = lazy(() =>
  patiently(async () => ({ default: (await import("./glass-body")).GlassBody })),
);

interface GlassTextProps {
  readonly message: Message;
  readonly text: string;
  /** It is still growing. */
  readonly isLive: boolean;
  /** Another answer of the conversation is being written. */
  readonly isBusy: boolean;
  /** The text as it is shown without the glass. */
  readonly children: ReactNode;
}

/** The text of an answer, seen through the glass while that is on. */
export function GlassText(props: GlassTextProps) {
  const [isOn] = useGlass();
  return (
    <>
      {isOn && props.text !== "" ? <Inside {...props} /> : props.children}
      <ReplayNote message={props.message} />
    </>
  );
}

function Inside({ message, text, isLive, isBusy, children }: GlassTextProps) {
  const { tokens, state, retry } = useTrace(message, true);
  if (state === "ready") {
    return (
      <Suspense fallback={children}>
        <GlassBody message={message} text={text} tokens={tokens} isBusy={isLive || isBusy} />
      </Suspense>
    );
  }
  return (
    <>
      {children}
      {state === "missing" && !isLive && <NotRecorded message={message} isBusy={isBusy} />}
      {state === "failed" && (
        <Note text="What is inside could not be fetched.">
          <Button variant="ghost" size="small" onClick={retry}>
            Try again
          </Button>
        </Note>
      )}
    </>
  );
}

function NotRecorded({ message, isBusy }: Pick<GlassTextProps, "message" | "isBusy">) {
  const replay = useReplay(message);
  if (replay === null) return <Note text="The tokens of this answer were not recorded." />;
  return (
    <Note text="Not recorded.">
      <Button
        variant="ghost-leaf"
        size="inline"
        className="-ml-1"
        disabled={isBusy}
        onClick={replay}
        data-testid="glass-replay"
      >
        Replay to look inside
      </Button>
    </Note>
  );
}

function Note({ text, children }: { readonly text: string; readonly children?: ReactNode }) {
  return (
    <p
      className="mt-1 flex flex-wrap items-center gap-x-2 text-sm text-ink-soft"
      data-testid="glass-note"
    >
      {text}
      {children}
    </p>
  );
}
