"use client";

import { memo } from "react";
import { ANSWER_FOCUS, AnswerActions } from "./answer-actions";
import { HiddenNote } from "./hidden-note";
import type { MessageProps } from "./messages";
import { MessageText } from "./message-text";
import { NoticeCard } from "./notice-card";
import { ReplyFailure } from "./reply-failure";
import { Twig } from "@/components/brand";
import { OUTSIDE_CLASS } from "@/components/context/outside-note";
import { GlassText } from "@/components/glass/glass-text";
import { useChat } from "@/hooks/use-app";
import { useHandedFocus } from "@/hooks/use-handed-focus";
import { queueLine, visibleText } from "@/lib/chat/selectors";
import { isSettled, type Reply } from "@/lib/chat/state";

export const AssistantMessage = memo(function AssistantMessage(props: MessageProps) {
  const { message, place, setSize, isLast, isBusy, canChange, isOutside, onEdit } = props;
  const reply = useChat((state) => state.replies[message.key]);
  const handedFocus = useHandedFocus(isLast ? ANSWER_FOCUS : "");
  const text = reply ? visibleText(reply) : message.text;
  const isLive = reply !== undefined && !isSettled(reply);
  const notice = reply?.notice ?? message.notice;
  return (
    <article
      ref={handedFocus}
      tabIndex={-1}
      data-testid="message-assistant"
      data-status={reply?.status ?? "completed"}
      aria-busy={isLive}
      aria-posinset={place + 1}
      aria-setsize={setSize}
      className="group/message relative rounded-lg outline-offset-4 sm:pl-10"
    >
      <h2 className="sr-only">EuGPT said</h2>
      <Twig className="absolute top-0.5 left-0 hidden text-leaf sm:block" />
      {message.isHidden && <HiddenNote />}
      {text && (
        <div dir="auto" className={isOutside ? OUTSIDE_CLASS : undefined}>
          <GlassText message={message} text={text} isLive={isLive} isBusy={isBusy}>
            <MessageText text={text} isLive={isLive} />
          </GlassText>
        </div>
      )}
      {isLive && !text && <Waiting reply={reply} />}
      {notice && !message.isHidden && (
        <div className="mt-3">
          <NoticeCard notice={notice} about="answer" />
        </div>
      )}
      {reply && <Footnote reply={reply} isLast={isLast} />}
      {reply?.failure && isLast && (
        <ReplyFailure replyKey={message.key} failure={reply.failure} onEdit={onEdit} />
      )}
      <AnswerActions
        message={message}
        reply={reply}
        place={place}
        isLast={isLast}
        isBusy={isBusy}
        canChange={canChange}
      />
    </article>
  );
});

/** As high as the first line of text that will take its place, so nothing jumps. */
function Waiting({ reply }: { reply: Reply }) {
  return (
    <p className="flex min-h-[1.625rem] items-center gap-3 text-ink-soft" data-testid="waiting">
      <span className="flex items-end gap-1 text-leaf" aria-hidden="true">
        <span className="size-2.5 rounded-full bg-current motion-safe:animate-leaf" />
        <span className="size-2 rounded-full bg-current [animation-delay:160ms] motion-safe:animate-leaf" />
        <span className="size-1.5 rounded-full bg-current [animation-delay:320ms] motion-safe:animate-leaf" />
      </span>
      {reply.status === "queued" && reply.queue && (
        <span className="text-sm tabular-nums motion-safe:animate-appear" data-testid="queue-line">
          {queueLine(reply.queue)}
        </span>
      )}
    </p>
  );
}

/** What the reader should know about how this answer came about. */
function Footnote({ reply, isLast }: { reply: Reply; isLast: boolean }) {
  const notes = [
    // True of every answer from then on; once, at the end, is enough.
    isLast &&
      reply.contextTrimmed > 0 &&
      "The oldest messages no longer fit the model’s memory and were left out.",
    reply.finishReason === "length" && "Ended here: this is as long as an answer may get.",
    reply.status === "cancelled" && "You stopped this answer.",
  ].filter((note) => typeof note === "string");
  if (notes.length === 0) return null;
  return (
    <p className="mt-2 text-sm text-ink-soft" data-testid="footnote">
      {notes.join(" ")}
    </p>
  );
}
