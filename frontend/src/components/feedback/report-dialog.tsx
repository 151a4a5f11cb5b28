"use client";

import { useState } from "react";
import { CommentField } from "./comment-field";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { useApp } from "@/hooks/use-app";
import { toFailure } from "@/lib/api/errors";
import { reportMessage, type ReportReason } from "@/lib/api/feedback";
import type { Message } from "@/lib/chat/state";
import { describeFailure, type Failure } from "@/lib/failure";

const REASONS: readonly { readonly value: ReportReason; readonly label: string }[] = [
  { value: "harmful", label: "It could hurt somebody" },
  { value: "hateful", label: "It is hateful or insulting" },
  { value: "sexual", label: "It is sexual" },
  { value: "private", label: "It gives away somebody’s private data" },
  { value: "wrong", label: "It is wrong in a way that matters" },
  { value: "other", label: "Something else" },
];

interface ReportDialogProps {
  /** A stored answer. */
  readonly message: Message;
  readonly isOpen: boolean;
  readonly onOpenChange: (isOpen: boolean) => void;
}

export function ReportDialog({ message, isOpen, onOpenChange }: ReportDialogProps) {
  const [isSent, setIsSent] = useState(false);
  if (!isOpen && isSent) setIsSent(false);
  const close = (): void => onOpenChange(false);
  return (
    <Dialog
      isOpen={isOpen}
      onOpenChange={onOpenChange}
      title={isSent ? "Thank you" : "Report this answer"}
      description={
        isSent
          ? "The people who look after this place will read your report."
          : "The people who look after this place will see the answer and what you write here."
      }
    >
      {isSent ? (
        <div className="flex justify-end">
          <Button autoFocus onClick={close} data-testid="report-close">
            Close
          </Button>
        </div>
      ) : (
        <ReportForm message={message} onSent={() => setIsSent(true)} onCancel={close} />
      )}
    </Dialog>
  );
}

interface ReportFormProps {
  readonly message: Message;
  readonly onSent: () => void;
  readonly onCancel: () => void;
}

function ReportForm({ message, onSent, onCancel }: ReportFormProps) {
  const { api, chat } = useApp();
  const [reason, setReason] = useState<ReportReason | null>(null);
  const [comment, setComment] = useState("");
  const [isSending, setIsSending] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);

  async function send(): Promise<void> {
    if (message.id === null || reason === null) return;
    setIsSending(true);
    setFailure(null);
    try {
      await reportMessage(api, message.id, reason, comment.trim());
      chat.patchMessage(message.key, { isReported: true });
      onSent();
    } catch (error) {
      setFailure(toFailure(error));
      setIsSending(false);
    }
  }

  return (
    <form
      className="space-y-5"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <Reasons reason={reason} onChange={setReason} />
      <CommentField label="Anything to add?" value={comment} onChange={setComment} />
      {failure && (
        <p role="alert" className="rounded-xl bg-bark-soft px-3.5 py-2.5 text-sm text-bark">
          {describeFailure(failure)}
        </p>
      )}
      <div className="flex justify-end gap-2">
        <Button variant="ghost" onClick={onCancel}>
          Cancel
        </Button>
        <Button type="submit" disabled={reason === null || isSending} data-testid="report-send">
          {isSending ? "Sending…" : "Send report"}
        </Button>
      </div>
    </form>
  );
}

interface ReasonsProps {
  readonly reason: ReportReason | null;
  readonly onChange: (reason: ReportReason) => void;
}

function Reasons({ reason, onChange }: ReasonsProps) {
  return (
    <fieldset>
      <legend className="mb-1.5 text-sm font-medium">What is wrong with it?</legend>
      {REASONS.map(({ value, label }) => (
        <label
          key={value}
          className="-mx-2 flex min-h-10 items-center gap-3 rounded-xl px-2 hover:bg-hover pointer-coarse:min-h-11"
        >
          <input
            type="radio"
            name="reason"
            value={value}
            checked={reason === value}
            onChange={() => onChange(value)}
            className="size-4.5 shrink-0 accent-leaf"
          />
          {label}
        </label>
      ))}
    </fieldset>
  );
}
