"use client";

import { ThumbsDown, ThumbsUp } from "lucide-react";
import { useRef, useState } from "react";
import { CommentField } from "./comment-field";
import { Button } from "@/components/ui/button";
import { IconButton } from "@/components/ui/icon-button";
import { Popover, PopoverAnchor, PopoverContent } from "@/components/ui/popover";
import { useFeedback } from "@/hooks/use-feedback";
import type { Feedback, Message } from "@/lib/chat/state";
import { cn } from "@/lib/cn";
import { showToast } from "@/lib/toasts";

type Rating = Feedback["rating"];

const NAMES: Record<Rating, string> = { up: "Good answer", down: "Bad answer" };
const ICONS = { up: ThumbsUp, down: ThumbsDown };

/** Thumbs of a stored answer; nothing for what the server does not have. */
export function FeedbackButtons({ message }: { message: Message }) {
  const [asked, setAsked] = useState<Rating | null>(null);
  const thumbs = useRef<HTMLSpanElement>(null);
  const say = useFeedback(message);
  if (message.id === null) return null;
  const rating = message.feedback?.rating ?? null;

  function press(pressed: Rating): void {
    const isTakenBack = pressed === rating;
    setAsked(isTakenBack ? null : pressed);
    void say(isTakenBack ? null : { rating: pressed, comment: "" });
  }

  return (
    <Popover open={asked !== null && asked === rating} onOpenChange={() => setAsked(null)}>
      <PopoverAnchor asChild>
        <span ref={thumbs} className="inline-flex" role="group" aria-label="Rate this answer">
          <Thumb rating="up" isPressed={rating === "up"} onPress={press} />
          <Thumb rating="down" isPressed={rating === "down"} onPress={press} />
        </span>
      </PopoverAnchor>
      {asked && (
        <PopoverContent
          align="start"
          aria-label="Say more"
          onOpenAutoFocus={(event) => {
            // On a phone the keyboard would rise over the answer, for a comment that is optional.
            if (matchMedia("(pointer: coarse)").matches) event.preventDefault();
          }}
          onCloseAutoFocus={() => {
            // Back to the thumb, unless the person has gone on to something else.
            if (document.activeElement !== document.body) return;
            thumbs.current?.querySelector<HTMLElement>("[aria-pressed=true]")?.focus();
          }}
          // A press on a thumb is not a press beside the window.
          onInteractOutside={(event) => {
            const target = event.target as Element | null;
            if (target?.closest("[data-thumb]")) event.preventDefault();
          }}
        >
          <CommentForm
            key={asked}
            rating={asked}
            onSend={async (comment) => {
              setAsked(null);
              const isSaved = await say({ rating: asked, comment });
              if (isSaved) showToast({ text: "Thank you for the comment." });
            }}
          />
        </PopoverContent>
      )}
    </Popover>
  );
}

interface ThumbProps {
  readonly rating: Rating;
  readonly isPressed: boolean;
  readonly onPress: (rating: Rating) => void;
}

function Thumb({ rating, isPressed, onPress }: ThumbProps) {
  const Icon = ICONS[rating];
  return (
    <IconButton
      isSmall
      label={NAMES[rating]}
      aria-pressed={isPressed}
      data-thumb
      data-testid={`thumb-${rating}`}
      variant={isPressed ? "ghost-leaf" : "ghost"}
      onClick={() => onPress(rating)}
    >
      <Icon className={cn("size-4", isPressed && "fill-current/20")} />
    </IconButton>
  );
}

interface CommentFormProps {
  readonly rating: Rating;
  readonly onSend: (comment: string) => Promise<void>;
}

function CommentForm({ rating, onSend }: CommentFormProps) {
  const [comment, setComment] = useState("");
  const label = rating === "up" ? "What was good?" : "What was wrong?";
  return (
    <form
      className="space-y-3"
      onSubmit={(event) => {
        event.preventDefault();
        if (comment.trim() !== "") void onSend(comment.trim());
      }}
    >
      <CommentField label={label} value={comment} onChange={setComment} />
      <div className="flex justify-end">
        <Button
          type="submit"
          size="small"
          disabled={comment.trim() === ""}
          data-testid="comment-send"
        >
          Send comment
        </Button>
      </div>
    </form>
  );
}
