"use client";

import { ExternalLink, Trash2 } from "lucide-react";
import { useState } from "react";
import { CopyButton } from "@/components/chat/copy-button";
import { Button } from "@/components/ui/button";
import { ConfirmDialog } from "@/components/ui/confirm-dialog";
import { IconButton } from "@/components/ui/icon-button";
import { Skeleton } from "@/components/ui/skeleton";
import type { useShares } from "@/hooks/use-shares";
import { toFailure } from "@/lib/api/errors";
import { type Share, shareLink } from "@/lib/api/shares";
import { shortMoment, timeUntil } from "@/lib/dates";
import { describeFailure } from "@/lib/failure";

type Shares = ReturnType<typeof useShares>;

/** The links there are. Revoking one asks first: whoever has it loses it. */
export function ShareList({ shares }: { shares: Shares }) {
  const { list, revoke, revokeAll } = shares;
  const [doomed, setDoomed] = useState<Share | "all" | null>(null);
  const links = list.data ?? [];
  const failure = revoke.error ?? revokeAll.error;

  function confirm(): void {
    if (doomed === "all") revokeAll.mutate();
    else if (doomed) revoke.mutate(doomed.slug);
  }

  return (
    <section className="mt-6" aria-busy={list.isPending}>
      {(links.length > 0 || list.isPending) && (
        <div className="flex min-h-9 items-center justify-between">
          <h3 className="text-sm font-medium">Links that work now</h3>
          {links.length > 1 && (
            <Button variant="ghost" size="small" onClick={() => setDoomed("all")} data-testid="revoke-all">
              Revoke all
            </Button>
          )}
        </div>
      )}
      {list.isPending && <Skeleton className="mt-3 w-2/3" />}
      {list.error && (
        <p role="alert" className="text-sm text-bark">
          {describeFailure(toFailure(list.error))}
        </p>
      )}
      {failure && (
        <p role="alert" className="text-sm text-bark">
          Not revoked. {describeFailure(toFailure(failure))}
        </p>
      )}
      <ul className="divide-y">
        {links.map((share) => (
          <ShareRow key={share.slug} share={share} onRevoke={() => setDoomed(share)} />
        ))}
      </ul>
      <ConfirmDialog
        isOpen={doomed !== null}
        onOpenChange={(isOpen) => !isOpen && setDoomed(null)}
        title={doomed === "all" ? "Revoke all links?" : "Revoke this link?"}
        text="Nobody can read the copy any more, also those who have the link already."
        action={doomed === "all" ? "Revoke all" : "Revoke"}
        onConfirm={confirm}
      />
    </section>
  );
}

interface ShareRowProps {
  readonly share: Share;
  readonly onRevoke: () => void;
}

function ShareRow({ share, onRevoke }: ShareRowProps) {
  const { slug, createdAt, expiresAt } = share;
  const made = shortMoment(createdAt);
  return (
    <li className="flex items-center gap-1 py-1.5" data-testid="share-row">
      <div className="min-w-0 flex-1 text-sm">
        <p className="truncate">{expiresAt ? `Ends ${timeUntil(expiresAt)}` : "Without end"}</p>
        <p className="text-xs text-ink-soft">Made {made}</p>
      </div>
      <CopyButton what={`link of ${made}`} text={() => shareLink(slug)} />
      <IconButton isSmall asChild label={`Open link of ${made}`}>
        <a href={shareLink(slug)} target="_blank" rel="noopener">
          <ExternalLink />
        </a>
      </IconButton>
      <IconButton isSmall label={`Revoke link of ${made}`} onClick={onRevoke} data-testid="revoke">
        <Trash2 />
      </IconButton>
    </li>
  );
}
