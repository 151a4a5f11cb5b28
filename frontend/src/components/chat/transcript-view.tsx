"use client";

import { ArrowDown } from "lucide-react";
import dynamic from "next/dynamic";
import { memo, type ReactNode, useEffect, useLayoutEffect } from "react";
import { MessagesSkeleton } from "./messages-skeleton";
import { Button } from "@/components/ui/button";
import { useChat } from "@/hooks/use-app";
import { useStickToBottom } from "@/hooks/use-stick-to-bottom";
import { transcriptOf } from "@/lib/chat/selectors";
import { conversationOf, type Transcript, type TranscriptKey } from "@/lib/chat/state";
import { patiently } from "@/lib/patiently";
import { isMotionReduced } from "@/lib/preferences";

const loadMessages = () => patiently(() => import("./messages"));

/** A fifth of the script, which an empty page does without: fetched right after the first paint. */
const Messages = dynamic(async () => (await loadMessages()).Messages, {
  ssr: false,
  loading: MessagesSkeleton,
});

/** Comes with them, so that it is there when the server is not. */
const LoadFailure = dynamic(async () => (await loadMessages()).LoadFailure, {
  ssr: false,
  loading: MessagesSkeleton,
});

interface TranscriptViewProps {
  readonly transcriptKey: TranscriptKey;
  /** Keys of the messages that the model no longer sees. */
  readonly outside: ReadonlySet<string>;
  /** The message under which they end. */
  readonly firstInside: string | null;
  readonly onEdit: (text: string) => void;
  /** Shown while there are no messages. */
  readonly welcome: ReactNode;
}

export const TranscriptView = memo(function TranscriptView(props: TranscriptViewProps) {
  const { transcriptKey, outside, firstInside, onEdit, welcome } = props;
  const transcript = useChat((state) => transcriptOf(state, transcriptKey));
  const count = transcript.messages.length;
  const newest = transcript.messages.at(-1)?.key;
  const { scroller, setScroller, setContent, isAway, hasNewText, scrollToBottom } =
    useStickToBottom(count > 0);

  useEffect(() => void loadMessages(), []);

  // Another conversation, or a message of one's own: show the end.
  useLayoutEffect(() => {
    if (newest !== undefined) scrollToBottom();
  }, [transcriptKey, newest, scrollToBottom]);

  return (
    <div className="relative min-h-0 flex-1">
      <div ref={setScroller} className="h-full overflow-y-auto overscroll-contain [overflow-anchor:none]" tabIndex={-1}>
        <div
          ref={setContent}
          className="mx-auto flex min-h-full w-full max-w-3xl flex-col px-4 sm:px-6"
        >
          {count > 0 ? (
            <Messages
              transcriptKey={transcriptKey}
              transcript={transcript}
              scroller={scroller}
              outside={outside}
              firstInside={firstInside}
              onEdit={onEdit}
            />
          ) : (
            <Empty transcriptKey={transcriptKey} transcript={transcript} welcome={welcome} />
          )}
        </div>
      </div>
      {isAway && count > 0 && (
        <Button
          variant="outline"
          size="pill"
          className="absolute bottom-3 left-1/2 -translate-x-1/2 shadow-lift motion-safe:animate-appear"
          onClick={() => scrollToBottom(isMotionReduced() ? "instant" : "smooth")}
          data-testid="new-text"
        >
          <ArrowDown className="size-4" />
          {hasNewText ? "New text" : "To the end"}
        </Button>
      )}
    </div>
  );
});

interface EmptyProps {
  readonly transcriptKey: TranscriptKey;
  readonly transcript: Transcript;
  readonly welcome: ReactNode;
}

function Empty({ transcriptKey, transcript, welcome }: EmptyProps) {
  const conversation = conversationOf(transcriptKey);
  if (conversation === null) return welcome;
  if (transcript.load === "failed" && transcript.failure) {
    return <LoadFailure conversation={conversation} failure={transcript.failure} />;
  }
  return <MessagesSkeleton />;
}
