import { memo } from "react";
import { PlainText } from "./plain-text";

export const UserMessage = memo(function UserMessage({ text }: { text: string }) {
  return (
    <article data-testid="message-user" className="flex justify-end motion-safe:animate-rise">
      <h2 className="sr-only">You said</h2>
      <div className="max-w-[85%] rounded-3xl rounded-br-lg bg-bubble px-4 py-2.5 sm:max-w-[75%]">
        <PlainText text={text} />
      </div>
    </article>
  );
});
