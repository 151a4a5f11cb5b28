import { partsOf } from "./parts";
import { useChat } from "@/hooks/use-app";
import type { ContextUsage } from "@/lib/api/context";
import { messageText } from "@/lib/chat/selectors";
import type { Message } from "@/lib/chat/state";
import { cn } from "@/lib/cn";

const MAX_LISTED = 6;
const PREVIEW_CHARS = 70;

interface ContextDetailsProps {
  readonly usage: ContextUsage;
  readonly hasDraft: boolean;
  readonly fallenOut: readonly Message[];
}

export function ContextDetails({ usage, hasDraft, fallenOut }: ContextDetailsProps) {
  const parts = partsOf(usage, hasDraft);
  const free = Math.max(0, usage.limit - usage.total - usage.reserved);
  return (
    <>
      <h2 className="font-display text-base font-bold">The model’s memory</h2>
      <p className="mt-1 text-ink-soft">
        {usage.model} reads at most {usage.limit} tokens, small pieces of words, at once: the newest
        messages, and room for its answer. What no longer fits falls out, oldest first, and the
        model knows nothing of it any more.
      </p>
      <dl className="mt-3 space-y-1.5 tabular-nums" data-testid="context-parts">
        {parts.map(({ name, label, tokens, className }) => (
          <Row key={name} label={label} tokens={tokens} className={className} />
        ))}
        <Row label="Free" tokens={free} className="border border-line-strong bg-line" />
      </dl>
      {fallenOut.length > 0 && <FallenOut messages={fallenOut} />}
    </>
  );
}

function Row(props: { label: string; tokens: number; className: string }) {
  return (
    <div className="flex items-center gap-2">
      <span aria-hidden="true" className={cn("size-2.5 rounded-full", props.className)} />
      <dt className="flex-1">{props.label}</dt>
      <dd className="text-ink-soft">{props.tokens}</dd>
    </div>
  );
}

/** The newest of them: those that the person may expect the model to know. */
function FallenOut({ messages }: { messages: readonly Message[] }) {
  const listed = messages.slice(-MAX_LISTED);
  const others = messages.length - listed.length;
  return (
    <section className="mt-4 border-t pt-3">
      <h3 className="font-medium">Fallen out</h3>
      <ul className="mt-1.5 space-y-1 text-ink-soft" data-testid="context-fallen-out">
        {others > 0 && (
          <li>
            {others} older {others === 1 ? "message" : "messages"}
          </li>
        )}
        {listed.map((message) => (
          <Preview key={message.key} message={message} />
        ))}
      </ul>
    </section>
  );
}

function Preview({ message }: { message: Message }) {
  const text = useChat((state) => messageText(state, message)).slice(0, PREVIEW_CHARS);
  return (
    <li className="truncate">
      <span className="font-medium">{message.role === "user" ? "You" : "EuGPT"}:</span> {text}
    </li>
  );
}
