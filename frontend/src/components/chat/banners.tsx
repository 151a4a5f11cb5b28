"use client";

import { CircleAlert, WifiOff, X } from "lucide-react";
import Link from "next/link";
import { type ReactNode, useEffect, useState } from "react";
import { Button } from "@/components/ui/button";
import { useApp, useChat, useConnection, useSession } from "@/hooks/use-app";
import { useCountdown } from "@/hooks/use-countdown";
import { useOnline } from "@/hooks/use-online";
import { transcriptOf } from "@/lib/chat/selectors";
import type { TranscriptKey } from "@/lib/chat/state";
import { describeFailure, describeWait, type Failure } from "@/lib/failure";

/** A short loss is repaired before anybody needs to hear of it. */
const QUIET_MS = 1_500;

interface BannersProps {
  readonly conversation: number | null;
  readonly transcriptKey: TranscriptKey;
}

/** What concerns the whole page: the connection, the session, errors that belong to no message. */
export function Banners({ conversation, transcriptKey }: BannersProps) {
  const { session, chat } = useApp();
  const isOnline = useOnline();
  const unkept = useChat((state) => transcriptOf(state, transcriptKey).unkept);
  const { status, ended } = useSession();
  const notice = useChat((state) => state.notice);
  const isLost = useIsConnectionLost();
  return (
    <div className="mx-auto w-full max-w-3xl space-y-2 px-4 empty:hidden sm:px-6">
      {(isLost || !isOnline) && (
        <Banner icon={<WifiOff />}>
          {isOnline ? "Reconnecting… " : "You are offline. "}
          What you have sent is not lost, and answers go on where they stopped.
        </Banner>
      )}
      {unkept && (
        <Banner icon={<CircleAlert />}>
          This chat could not be saved to your account. {describeFailure(unkept)}
          <Button
            variant="outline"
            size="small"
            className="ml-3"
            onClick={() => void chat.retryKeep(transcriptKey)}
          >
            Try again
          </Button>
        </Banner>
      )}
      {ended && (
        <Banner icon={<CircleAlert />} onDismiss={() => session.dismissEnded()}>
          {describeFailure(ended)}
        </Banner>
      )}
      {notice && (
        <Banner icon={<CircleAlert />} onDismiss={() => chat.dismissNotice()}>
          {describeFailure(notice)} <Wait failure={notice} />
        </Banner>
      )}
      {status === "guest" && conversation !== null && (
        <Banner icon={<CircleAlert />}>
          This link leads to a saved conversation.{" "}
          <Link
            href={`/login/?c=${conversation}`}
            className="rounded font-medium text-leaf underline underline-offset-4"
          >
            Sign in to open it
          </Link>
        </Banner>
      )}
    </div>
  );
}

/** How long it still takes until trying again makes sense. */
function Wait({ failure }: { readonly failure: Failure }) {
  const [counted, setCounted] = useState({ failure, attempt: 0 });
  if (counted.failure !== failure) setCounted({ failure, attempt: counted.attempt + 1 });
  const left = useCountdown(failure.retryAfterS, counted.attempt);
  return left > 0 && <span className="tabular-nums">Try again in {describeWait(left)}.</span>;
}

interface BannerProps {
  readonly icon: ReactNode;
  readonly children: ReactNode;
  readonly onDismiss?: () => void;
}

function Banner({ icon, children, onDismiss }: BannerProps) {
  return (
    <div
      role="status"
      data-testid="banner"
      className="flex items-center gap-3 rounded-2xl border bg-raised py-2 pr-2 pl-4 text-sm shadow-lift motion-safe:animate-rise [&>svg]:size-4 [&>svg]:shrink-0 [&>svg]:text-bark"
    >
      {icon}
      <p className="flex-1 py-1">{children}</p>
      {onDismiss && (
        <Button variant="ghost" size="medium-icon" aria-label="Close" onClick={onDismiss}>
          <X />
        </Button>
      )}
    </div>
  );
}

function useIsConnectionLost(): boolean {
  const isDown = useConnection() !== "open";
  const { status } = useSession();
  const [isLong, setIsLong] = useState(false);
  useEffect(() => {
    if (!isDown) return;
    const timer = setTimeout(() => setIsLong(true), QUIET_MS);
    return () => {
      clearTimeout(timer);
      setIsLong(false);
    };
  }, [isDown, status]);
  return isDown && isLong;
}
