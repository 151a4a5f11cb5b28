"use client";

import { Info, Repeat } from "lucide-react";
import { type ReactNode, useState } from "react";
import { CopyButton } from "@/components/chat/copy-button";
import { Button } from "@/components/ui/button";
import { IconButton } from "@/components/ui/icon-button";
import { Popover, PopoverContent, PopoverTrigger } from "@/components/ui/popover";
import { useApp, useChat } from "@/hooks/use-app";
import { useIsBegunFromText, useReplay } from "@/hooks/use-replay";
import { detailsOf } from "@/lib/chat/selectors";
import type { Message, ReplyDetails as Details } from "@/lib/chat/state";
import { duration, samplingWords } from "@/lib/reply-words";

interface ReplyDetailsProps {
  readonly message: Message;
  /** An answer of the conversation is being written. */
  readonly isBusy: boolean;
}

/** The button that tells how an answer was made. */
export function ReplyDetails({ message, isBusy }: ReplyDetailsProps) {
  const isKnown = useChat((state) => detailsOf(state, message) !== null);
  const replay = useReplay(message);
  const isFromText = useIsBegunFromText(message);
  const [isOpen, setIsOpen] = useState(false);
  if (!isKnown) return null;
  return (
    <Popover open={isOpen} onOpenChange={setIsOpen}>
      <PopoverTrigger asChild>
        <IconButton isSmall label="How this was written" data-testid="reply-details">
          <Info />
        </IconButton>
      </PopoverTrigger>
      <PopoverContent align="start" aria-label="How this answer was written">
        <Contents message={message} />
        {isFromText && (
          <p className="mt-3 border-t pt-3 text-xs text-ink-soft" data-testid="begun">
            It went on from the words of another answer. The seed alone would not give it again.
          </p>
        )}
        {replay && (
          <div className="mt-3 border-t pt-3">
            <Button
              variant="outline"
              size="small"
              className="w-full"
              disabled={isBusy}
              onClick={() => {
                setIsOpen(false);
                replay();
              }}
              data-testid="replay"
            >
              <Repeat className="size-4" />
              Replay exactly
            </Button>
            <p className="mt-2 text-xs text-ink-soft">
              The same seed and settings give the same words again,{" "}
              {message.id === null ? "in the place of these" : "in a new version"}.
            </p>
          </div>
        )}
      </PopoverContent>
    </Popover>
  );
}

function Contents({ message }: { readonly message: Message }) {
  const { chat } = useApp();
  // What it is made of; `detailsOf` joins it to a new object each time.
  useChat((state) => state.replies[message.key]);
  const details = detailsOf(chat.state.get(), message);
  if (details === null) return null;
  const { model, seed, params } = details;
  return (
    <>
      <h2 className="font-display text-base font-bold">How this was written</h2>
      <dl className="mt-2 space-y-1 tabular-nums">
        {model && <Fact name="Model">{model}</Fact>}
        {seed !== null && (
          <Fact name="Seed">
            <span className="select-all" data-testid="seed">
              {seed}
            </span>
            <CopyButton what="seed" text={() => String(seed)} className="-my-1.5 -mr-1.5" />
          </Fact>
        )}
        {numbers(details).map(([name, value]) => (
          <Fact key={name} name={name}>
            {value}
          </Fact>
        ))}
      </dl>
      <h3 className="mt-3 font-medium">Settings</h3>
      <ul className="mt-1 space-y-0.5 text-ink-soft" data-testid="sampling-words">
        {samplingWords(params).map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div className="flex min-h-6 items-center gap-3">
      <dt className="flex-1 text-ink-soft">{name}</dt>
      <dd className="flex items-center gap-1">{children}</dd>
    </div>
  );
}

function numbers(details: Details): readonly (readonly [string, string])[] {
  const { promptTokens, completionTokens, timings } = details;
  const first = timings?.ttftS ?? null;
  const pace = timings?.tokensPerS ?? null;
  return [
    promptTokens !== null && (["Read", `${promptTokens} tokens`] as const),
    completionTokens !== null && (["Written", `${completionTokens} tokens`] as const),
    first !== null && (["First word after", duration(first)] as const),
    pace !== null && (["Pace", `${Math.round(pace)} tokens/s`] as const),
  ].filter((fact) => fact !== false);
}
