"use client";

import dynamic from "next/dynamic";
import { type ReactNode, useCallback, useRef } from "react";
import { AssistantMessage } from "./assistant-message";
import { MessagesSkeleton } from "./messages-skeleton";
import { UserMessage } from "./user-message";
import { OutsideNote } from "@/components/context/outside-note";
import { useChat, useSession } from "@/hooks/use-app";
import { useNamedMessage } from "@/hooks/use-named-message";
import { cn } from "@/lib/cn";
import { liveReplyKey } from "@/lib/chat/selectors";
import type { Message, Transcript, TranscriptKey } from "@/lib/chat/state";
import { patiently } from "@/lib/patiently";

export { LoadFailure } from "./load-failure";

const LongList = dynamic(
  () => patiently(async () => (await import("./long-list")).LongList),
  { ssr: false, loading: MessagesSkeleton },
);

export interface MessageProps {
  readonly message: Message;
  /** Its index in the transcript. */
  readonly place: number;
  /** How many messages there are in all; −1 while nobody knows. */
  readonly setSize: number;
  readonly isLast: boolean;
  /** It or the message right above it is the last. */
  readonly isLastPair: boolean;
  readonly isBusy: boolean;
  /** It can be asked for again, or be asked differently. */
  readonly canChange: boolean;
  /** The model no longer sees it. */
  readonly isOutside: boolean;
  readonly onEdit: (text: string) => void;
}

/** Up to here all messages are on the page, where the browser's own search finds them. */
const PLAIN_MAX = 100;

interface MessagesProps {
  readonly transcriptKey: TranscriptKey;
  readonly transcript: Transcript;
  readonly scroller: HTMLElement | null;
  readonly outside: ReadonlySet<string>;
  readonly firstInside: string | null;
  readonly onEdit: (text: string) => void;
}

export function Messages(props: MessagesProps) {
  const { transcriptKey, transcript, scroller, outside, firstInside, onEdit } = props;
  const { messages, hasOlder } = transcript;
  const isBusy = useChat((state) => liveReplyKey(state, transcriptKey) !== null);
  const isGuest = useSession().status === "guest";
  const count = messages.length;
  const setSize = hasOlder ? -1 : count;

  function renderMessage(message: Message, place: number) {
    const props = {
      message,
      place,
      setSize,
      isLast: place === count - 1,
      isLastPair: place >= count - 2,
      isBusy,
      // What the server has not taken cannot be changed there.
      canChange: message.id !== null || isGuest || transcript.isTemporary,
      isOutside: outside.has(message.key),
      onEdit,
    };
    return (
      <>
        {message.key === firstInside && <OutsideNote />}
        {message.role === "user" ? <UserMessage {...props} /> : <AssistantMessage {...props} />}
        {props.isLast && props.isOutside && <OutsideNote />}
      </>
    );
  }

  if (count > PLAIN_MAX || hasOlder) {
    return (
      <LongList
        key={transcriptKey}
        transcriptKey={transcriptKey}
        transcript={transcript}
        scroller={scroller}
        renderMessage={renderMessage}
      />
    );
  }
  return <PlainList key={transcriptKey} {...props} renderMessage={renderMessage} />;
}

interface PlainListProps {
  readonly transcriptKey: TranscriptKey;
  readonly transcript: Transcript;
  readonly renderMessage: (message: Message, place: number) => ReactNode;
}

function PlainList({ transcriptKey, transcript, renderMessage }: PlainListProps) {
  const list = useRef<HTMLElement>(null);
  const show = useCallback(
    (index: number) => list.current?.children[index]?.scrollIntoView({ block: "center" }),
    [],
  );
  const named = useNamedMessage(transcriptKey, transcript, show);
  return (
    <section ref={list} aria-label="Messages" className="space-y-2 pt-4 pb-6">
      {transcript.messages.map((message, place) => (
        <div
          key={message.key}
          className={cn(message.id !== null && message.id === named && "animate-named")}
        >
          {renderMessage(message, place)}
        </div>
      ))}
    </section>
  );
}
