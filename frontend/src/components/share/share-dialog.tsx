"use client";

import { Check, Link2 } from "lucide-react";
import { useId, useState } from "react";
import { ShareList } from "./share-list";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { useShares } from "@/hooks/use-shares";
import { toFailure } from "@/lib/api/errors";
import { type Share, shareLink } from "@/lib/api/shares";
import { copyText } from "@/lib/clipboard";
import { describeFailure } from "@/lib/failure";

interface ShareDialogProps {
  readonly conversation: { readonly id: number; readonly title: string };
  readonly onClose: () => void;
}

/** Makes links to a copy of the conversation, and takes them back. */
export function ShareDialog({ conversation, onClose }: ShareDialogProps) {
  const shares = useShares(conversation.id);
  const [days, setDays] = useState<number | null>(7);
  const [made, setMade] = useState<{ share: Share; isCopied: boolean } | null>(null);

  async function create(): Promise<void> {
    setMade(null);
    const share = await shares.create.mutateAsync(days).catch(() => null);
    if (share) setMade({ share, isCopied: await copyText(shareLink(share.slug)) });
  }

  return (
    <Dialog
      isOpen
      onOpenChange={(isOpen) => !isOpen && onClose()}
      title="Share this conversation"
      description={
        <>
          Whoever has the link can read a copy of “{conversation.title}” as it is shown now, without
          your name. Later messages are not in it.
        </>
      }
    >
      <ExpiryChoice days={days} onChange={setDays} />
      <Button
        className="mt-4 w-full"
        disabled={shares.create.isPending}
        onClick={() => void create()}
        data-testid="share-create"
      >
        <Link2 className="size-4" aria-hidden="true" />
        {shares.create.isPending ? "Making the link…" : "Make a link and copy it"}
      </Button>
      <div role="status">
        {made && !shares.create.isPending && <Made share={made.share} isCopied={made.isCopied} />}
      </div>
      {shares.create.error && (
        <p role="alert" className="mt-3 rounded-xl bg-bark-soft px-3 py-2 text-sm text-bark">
          {sentenceFor(shares.create.error)}
        </p>
      )}
      <ShareList shares={shares} />
    </Dialog>
  );
}

const EXPIRIES = [
  { days: 1, label: "1 day" },
  { days: 7, label: "7 days" },
  { days: 30, label: "30 days" },
  { days: null, label: "No end" },
] as const;

interface ExpiryChoiceProps {
  readonly days: number | null;
  readonly onChange: (days: number | null) => void;
}

function ExpiryChoice({ days, onChange }: ExpiryChoiceProps) {
  const name = useId();
  return (
    <fieldset>
      <legend className="text-sm font-medium">The link works for</legend>
      <div className="mt-2 grid grid-cols-4 gap-1 rounded-xl border bg-sunken p-1">
        {EXPIRIES.map((choice) => (
          <label
            key={choice.label}
            className="flex h-9 cursor-pointer items-center justify-center rounded-lg text-sm text-ink-soft has-checked:bg-raised has-checked:font-medium has-checked:text-ink has-checked:shadow-lift has-focus-visible:outline-2 has-focus-visible:outline-leaf pointer-coarse:h-11"
          >
            <input
              type="radio"
              name={name}
              checked={choice.days === days}
              onChange={() => onChange(choice.days)}
              className="sr-only"
              data-testid={`expiry-${choice.days ?? "never"}`}
            />
            {choice.label}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function Made({ share, isCopied }: { share: Share; isCopied: boolean }) {
  return (
    <div className="mt-3 rounded-xl border bg-sunken p-3 text-sm" data-testid="share-made">
      <p className="flex items-center gap-2 font-medium">
        <Check className="size-4 text-leaf" aria-hidden="true" />
        {isCopied ? "The link is copied." : "Here is the link. Copy it:"}
      </p>
      <p className="mt-1 text-ink-soft break-all select-all">{shareLink(share.slug)}</p>
    </div>
  );
}

function sentenceFor(error: Error): string {
  const failure = toFailure(error);
  if (failure.code === "too_many_shares") {
    return "This conversation has 20 links, which is the most. Revoke one first.";
  }
  if (failure.code === "invalid") return "There is nothing to share in this conversation yet.";
  return `No link was made. ${describeFailure(failure)}`;
}
