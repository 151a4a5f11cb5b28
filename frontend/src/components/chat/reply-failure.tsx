"use client";

import { CircleAlert, PencilLine, RotateCw } from "lucide-react";
import { QuotaSpent } from "./quota-spent";
import { Button } from "@/components/ui/button";
import { useApp } from "@/hooks/use-app";
import { useCountdown } from "@/hooks/use-countdown";
import { describeFailure, describeWait, type Failure, remedyOf } from "@/lib/failure";

interface ReplyFailureProps {
  readonly replyKey: string;
  readonly failure: Failure;
  readonly onEdit: (text: string) => void;
}

export function ReplyFailure(props: ReplyFailureProps) {
  if (props.failure.code === "quota_exceeded") return <QuotaSpent {...props} />;
  return <PlainFailure {...props} />;
}

function PlainFailure({ replyKey, failure, onEdit }: ReplyFailureProps) {
  const { chat } = useApp();
  const wait = useCountdown(failure.retryAfterS);
  const remedy = remedyOf(failure);
  return (
    <div
      data-testid="reply-failure"
      className="mt-2 flex flex-wrap items-center gap-x-4 gap-y-2 rounded-2xl bg-bark-soft px-4 py-3 text-[0.9375rem]"
    >
      <p className="flex flex-1 basis-60 gap-2.5 text-bark">
        <CircleAlert className="mt-0.5 size-[1.125rem] shrink-0" aria-hidden="true" />
        {describeFailure(failure)}
      </p>
      {remedy === "retry" && (
        <Button
          variant="outline"
          size="small"
          disabled={wait > 0}
          onClick={() => chat.retry(replyKey)}
          data-testid="retry"
        >
          <RotateCw className="size-4" />
          {wait > 0 ? `Try again in ${describeWait(wait)}` : "Try again"}
        </Button>
      )}
      {remedy === "edit" && (
        <Button variant="outline" size="small" onClick={() => onEdit(chat.takeBack(replyKey))}>
          <PencilLine className="size-4" />
          Edit message
        </Button>
      )}
    </div>
  );
}
