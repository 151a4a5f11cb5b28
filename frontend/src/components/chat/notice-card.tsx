import { HeartHandshake, ShieldCheck, X } from "lucide-react";
import { Button } from "@/components/ui/button";
import { cn } from "@/lib/cn";
import type { Notice } from "@/lib/chat/notice";
import type { RefusedFor } from "@/lib/chat/state";

interface NoticeCardProps {
  readonly notice: Notice;
  /** What it stands beside. */
  readonly about: "answer" | RefusedFor;
  readonly onMoveToNewChat?: (() => void) | undefined;
  readonly onDismiss?: () => void;
}

/** What a safety rule tells: calm, never an alarm, with addresses that can be pressed. */
export function NoticeCard({ notice, about, onMoveToNewChat, onDismiss }: NoticeCardProps) {
  const isCrisis = notice.category === "crisis";
  const Icon = isCrisis ? HeartHandshake : ShieldCheck;
  return (
    <div
      role="status"
      data-testid="notice"
      data-category={notice.category}
      className={cn(
        "flex gap-3 rounded-2xl border bg-sunken px-4 py-3 text-[0.9375rem] motion-safe:animate-appear",
        isCrisis && "border-leaf",
      )}
    >
      <Icon className="mt-0.5 size-5 shrink-0 text-leaf" aria-hidden="true" />
      <div className="min-w-0 flex-1">
        <p className="font-medium">{TITLES[about][isCrisis ? "crisis" : "other"]}</p>
        <p dir="auto" className="text-pretty whitespace-pre-line text-ink-soft wrap-anywhere">
          {withLinks(notice.text)}
        </p>
        {about === "earlier" && (
          <p className="mt-1 text-pretty">
            An earlier message of this chat is meant. A new chat can go on.
          </p>
        )}
        {onMoveToNewChat && (
          <Button
            variant="outline"
            className="mt-2"
            onClick={onMoveToNewChat}
            data-testid="move-to-new-chat"
          >
            Take my message to a new chat
          </Button>
        )}
      </div>
      {onDismiss && (
        <Button
          variant="ghost"
          size="medium-icon"
          className="-mt-1 -mr-2"
          aria-label="Close"
          onClick={onDismiss}
        >
          <X />
        </Button>
      )}
    </div>
  );
}

const TITLES = {
  answer: { crisis: "Help is there", other: "A safety rule answered here" },
  prompt: { crisis: "Help is there", other: "This message was not sent" },
  earlier: { crisis: "Help is there", other: "This message was not sent" },
  gone: { crisis: "Help is there", other: "This conversation is not there any more" },
} as const;

/** The last sign of a sentence is none of the address. */
const ADDRESS = /(https:\/\/[^\s<>]*[^\s<>.,;:!?)])/;

function withLinks(text: string) {
  return text.split(ADDRESS).map((part, index) =>
    index % 2 === 0 ? (
      part
    ) : (
      <a
        key={index}
        href={part}
        target="_blank"
        rel="noopener noreferrer"
        className="rounded font-medium text-leaf underline underline-offset-4"
      >
        {part.replace("https://", "")}
      </a>
    ),
  );
}
