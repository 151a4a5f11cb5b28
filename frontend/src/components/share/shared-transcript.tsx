import { HiddenNote } from "@/components/chat/hidden-note";
import { MessageText } from "@/components/chat/message-text";
import { NoticeCard } from "@/components/chat/notice-card";
import { PlainText } from "@/components/chat/plain-text";
import { Twig } from "@/components/brand";
import type { SharedMessage } from "@/lib/api/shares";

/** The messages of a copy, as they looked in the chat. */
export function SharedTranscript({ messages }: { messages: readonly SharedMessage[] }) {
  return (
    <ol className="space-y-7">
      {messages.map((message, index) => (
        <li
          key={index}
          // A copy has up to a thousand; what is out of sight is not laid out.
          className="[contain-intrinsic-size:auto_5rem] [content-visibility:auto]"
          data-testid={`shared-${message.role}`}
        >
          {message.role === "user" ? <Question message={message} /> : <Answer message={message} />}
        </li>
      ))}
    </ol>
  );
}

function Question({ message }: { message: SharedMessage }) {
  return (
    <div className="flex flex-col items-end">
      <h2 className="sr-only">Question</h2>
      <div
        dir="auto"
        className="max-w-[85%] rounded-3xl rounded-br-lg bg-bubble px-4 py-2.5 sm:max-w-[75%]"
      >
        {message.isHidden ? <HiddenNote /> : <PlainText text={message.content} />}
      </div>
    </div>
  );
}

function Answer({ message }: { message: SharedMessage }) {
  return (
    <div className="flex gap-3.5">
      <Twig className="mt-0.5 shrink-0 text-leaf" />
      <div className="min-w-0 flex-1" dir="auto">
        <h2 className="sr-only">Answer</h2>
        {message.isHidden ? (
          <HiddenNote />
        ) : message.content.trim() === "" ? (
          <p className="text-ink-soft">(no text)</p>
        ) : (
          <MessageText text={message.content} isLive={false} />
        )}
        {message.notice && !message.isHidden && (
          <div className="mt-3">
            <NoticeCard notice={message.notice} about="answer" />
          </div>
        )}
      </div>
    </div>
  );
}
