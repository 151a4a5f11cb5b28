"use client";

import { Monitor, Smartphone } from "lucide-react";
import { useState } from "react";
import { LoadState } from "./load-state";
import { Card } from "./parts";
import { Button } from "@/components/ui/button";
import { ConfirmDialog } from "@/components/ui/confirm-dialog";
import { useEndSessions, useSessions } from "@/hooks/use-account";
import type { DeviceSession } from "@/lib/api/account";
import { toFailure } from "@/lib/api/errors";
import { describeFailure } from "@/lib/failure";
import { dateWords, timeAgo } from "@/lib/time-words";
import { showToast } from "@/lib/toasts";

export function SessionsSection() {
  const query = useSessions();
  return (
    <Card lead="Each sign-in is a session. Do you see one that is not yours? End it and change your password.">
      <LoadState query={query}>{(sessions) => <SessionList sessions={sessions} />}</LoadState>
    </Card>
  );
}

function SessionList({ sessions }: { sessions: readonly DeviceSession[] }) {
  const [isAsking, setIsAsking] = useState(false);
  const end = useEndSessions();
  const others = sessions.filter(({ isCurrent }) => !isCurrent);
  const sorted = [...sessions.filter(({ isCurrent }) => isCurrent), ...others];

  function endAll(ended: readonly DeviceSession[]): void {
    end.mutate(
      ended.map(({ id }) => id),
      {
        onSuccess: () => showToast({ text: wordsOf(ended) }),
        onError: (error) =>
          showToast({
            text: `Not signed out. ${describeFailure(toFailure(error))}`,
            isUrgent: true,
          }),
      },
    );
  }

  return (
    <>
      <ul className="-mt-3.5 divide-y" data-testid="sessions">
        {sorted.map((session) => (
          <SessionRow
            key={session.id}
            session={session}
            isBusy={end.isPending}
            onEnd={() => endAll([session])}
          />
        ))}
      </ul>
      {others.length === 0 ? (
        <p className="mt-1 text-sm text-ink-soft">You are signed in nowhere else.</p>
      ) : (
        <Button
          variant="outline"
          className="mt-3"
          disabled={end.isPending}
          onClick={() => setIsAsking(true)}
          data-testid="end-others"
        >
          Sign out all other devices
        </Button>
      )}
      <ConfirmDialog
        isOpen={isAsking}
        onOpenChange={setIsAsking}
        title="Sign out all other devices?"
        text="Only this device stays signed in. The others need your password to come back."
        action="Sign them out"
        refusal="Cancel"
        onConfirm={() => endAll(others)}
      />
    </>
  );
}

interface SessionRowProps {
  readonly session: DeviceSession;
  readonly isBusy: boolean;
  readonly onEnd: () => void;
}

function SessionRow({ session, isBusy, onEnd }: SessionRowProps) {
  const { device, isCurrent, lastSeenAt, createdAt } = session;
  const Icon = /Android|iPhone|iPad/.test(device) ? Smartphone : Monitor;
  return (
    <li className="flex items-center gap-4 py-3.5">
      <Icon className="size-5 shrink-0 text-ink-soft" aria-hidden="true" />
      <div className="min-w-0 flex-1">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1 font-medium">
          {device}
          {isCurrent && (
            <span className="rounded-full bg-bubble px-2 py-0.5 text-xs font-medium">
              This device
            </span>
          )}
        </p>
        <p className="text-sm text-ink-soft">
          <span className="inline-block">
            {isCurrent ? "Active now" : `Seen ${timeAgo(lastSeenAt)}`},
          </span>{" "}
          <span className="inline-block">signed in on {dateWords(createdAt)}</span>
        </p>
      </div>
      {!isCurrent && (
        <Button
          variant="outline"
          size="small"
          disabled={isBusy}
          aria-label={`Sign out ${device}`}
          onClick={onEnd}
          className="pointer-coarse:h-11"
          data-testid="end-session"
        >
          Sign out
        </Button>
      )}
    </li>
  );
}

function wordsOf(ended: readonly DeviceSession[]): string {
  const [only] = ended;
  if (ended.length === 1 && only) return `${only.device} is signed out.`;
  return `${ended.length} devices are signed out.`;
}
