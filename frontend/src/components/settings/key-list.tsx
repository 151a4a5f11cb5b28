"use client";

import { useState } from "react";
import { Button } from "@/components/ui/button";
import { ConfirmDialog } from "@/components/ui/confirm-dialog";
import { useRevokeKey } from "@/hooks/use-account";
import { toFailure } from "@/lib/api/errors";
import type { ApiKey } from "@/lib/api/keys";
import { describeFailure } from "@/lib/failure";
import { dateWords, timeAgo } from "@/lib/time-words";
import { showToast } from "@/lib/toasts";

export function KeyList({ keys }: { keys: readonly ApiKey[] }) {
  const [asked, setAsked] = useState<ApiKey | null>(null);
  const revoke = useRevokeKey();

  function revokeAsked({ id, name }: ApiKey): void {
    revoke.mutate(id, {
      onSuccess: () => showToast({ text: `“${name}” is revoked.` }),
      onError: (error) =>
        showToast({ text: `Not revoked. ${describeFailure(toFailure(error))}`, isUrgent: true }),
    });
  }

  if (keys.length === 0) {
    return <p className="text-[0.9375rem] text-ink-soft">You have none yet.</p>;
  }
  return (
    <>
      <ul className="-my-3.5 divide-y" data-testid="keys">
        {keys.map((key) => (
          <KeyRow key={key.id} apiKey={key} onRevoke={() => setAsked(key)} />
        ))}
      </ul>
      <ConfirmDialog
        isOpen={asked !== null}
        onOpenChange={(isOpen) => !isOpen && setAsked(null)}
        title={`Revoke “${asked?.name ?? ""}”?`}
        text="Programs that use this key are refused from now on. This cannot be taken back; you can make a new key."
        action="Revoke it"
        onConfirm={() => asked && revokeAsked(asked)}
      />
    </>
  );
}

function KeyRow({ apiKey, onRevoke }: { apiKey: ApiKey; onRevoke: () => void }) {
  const { name, prefix, createdAt, lastUsedAt } = apiKey;
  return (
    <li className="flex items-center gap-4 py-3.5">
      <div className="min-w-0 flex-1">
        <p className="font-medium wrap-anywhere">{name}</p>
        <p className="text-sm text-ink-soft">
          <code className="font-mono text-[0.8125rem]">{prefix}…</code>{" "}
          <span className="inline-block">made {dateWords(createdAt)},</span>{" "}
          <span className="inline-block">
            {lastUsedAt ? `used ${timeAgo(lastUsedAt)}` : "never used"},
          </span>{" "}
          <span className="inline-block">{expiryWords(apiKey)}</span>
        </p>
      </div>
      <Button
        variant="outline"
        size="small"
        aria-label={`Revoke ${name}`}
        onClick={onRevoke}
        className="pointer-coarse:h-11"
        data-testid="key-revoke"
      >
        Revoke
      </Button>
    </li>
  );
}

function expiryWords({ expiresAt }: ApiKey): string {
  if (expiresAt === null) return "valid until revoked";
  const isOver = new Date(expiresAt) <= new Date();
  return `${isOver ? "expired" : "valid until"} ${dateWords(expiresAt)}`;
}
