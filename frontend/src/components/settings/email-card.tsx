"use client";

import { BadgeCheck, Mail } from "lucide-react";
import { useState } from "react";
import { EmailForm } from "./email-form";
import { Card } from "./parts";
import { RemoveEmailDialog } from "./remove-email-dialog";
import { Button } from "@/components/ui/button";
import { useAuthOptions } from "@/hooks/use-auth-options";
import { type OwnEmail, useOwnEmail } from "@/hooks/use-own-email";

const LEAD =
  "Not needed. With one you can choose a new password when you have forgotten yours; it is used for nothing else, and nobody sees it.";

/** The account's e-mail address: none, one that waits for its owner's word, a confirmed one. */
export function EmailCard() {
  const options = useAuthOptions();
  const own = useOwnEmail();
  const [isEditing, setIsEditing] = useState(false);
  const [isRemoving, setIsRemoving] = useState(false);
  const hasAny = own.email !== null || own.pending !== null;
  // A site that sends no mail has no use for one; an old one can still be removed.
  if (!hasAny && !options?.hasEmail) return null;
  const isFormShown = isEditing || !hasAny;
  return (
    <Card title="E-mail" lead={LEAD}>
      <div className="space-y-5">
        {own.email !== null && <Address email={own.email} note="Confirmed" Icon={BadgeCheck} />}
        {own.pending !== null && <Pending email={own.pending} isMailOn={options?.hasEmail ?? true} />}
        {isFormShown ? (
          <EmailForm
            own={own}
            onDone={() => setIsEditing(false)}
            {...(hasAny ? { onCancel: () => setIsEditing(false) } : {})}
          />
        ) : (
          <Actions
            own={own}
            canChange={options?.hasEmail ?? false}
            onChange={() => setIsEditing(true)}
            onRemove={() => setIsRemoving(true)}
          />
        )}
      </div>
      {isRemoving && <RemoveEmailDialog own={own} onClose={() => setIsRemoving(false)} />}
    </Card>
  );
}

interface AddressProps {
  readonly email: string;
  readonly note: string;
  readonly Icon: typeof Mail;
}

function Address({ email, note, Icon }: AddressProps) {
  return (
    <p className="flex items-start gap-3" data-testid="email">
      <Icon className="mt-0.5 size-5 shrink-0 text-leaf" aria-hidden="true" />
      <span className="min-w-0">
        <span className="block font-medium break-words">{email}</span>
        <span className="block text-sm text-ink-soft">{note}</span>
      </span>
    </p>
  );
}

function Pending({ email, isMailOn }: { email: string; isMailOn: boolean }) {
  return (
    <div
      role="status"
      className="flex items-start gap-3 rounded-xl bg-bubble px-4 py-3"
      data-testid="email-pending"
    >
      <Mail className="mt-0.5 size-5 shrink-0 text-leaf" aria-hidden="true" />
      <div className="min-w-0">
        <p className="font-medium">{isMailOn ? "Check your mail" : "Not confirmed"}</p>
        <p className="mt-0.5 text-sm text-ink-soft text-pretty">
          {isMailOn ? "We sent a link to " : "This site sends no mail now, so nothing comes to "}
          <span className="break-words text-ink">{email}</span>
          {isMailOn
            ? ". It is good for two days. Nothing there? Look into the spam folder."
            : "."}
        </p>
      </div>
    </div>
  );
}

interface ActionsProps {
  readonly own: OwnEmail;
  readonly canChange: boolean;
  readonly onChange: () => void;
  readonly onRemove: () => void;
}

function Actions({ own, canChange, onChange, onRemove }: ActionsProps) {
  return (
    <div className="flex flex-wrap gap-2">
      {canChange && (
        <Button variant="outline" onClick={onChange} data-testid="email-change">
          {own.pending === null ? "Change…" : "Send again or change…"}
        </Button>
      )}
      <Button variant="ghost-danger" onClick={onRemove} data-testid="email-remove">
        Remove…
      </Button>
    </div>
  );
}
