"use client";

import { CircleAlert, X } from "lucide-react";
import Link from "next/link";
import { Button } from "@/components/ui/button";
import { useApp, useSession } from "@/hooks/use-app";
import { settingsHref, type SettingsTab } from "@/hooks/use-settings-address";
import { describeFailure } from "@/lib/failure";
import { signInHref } from "@/lib/next-path";

/** The session ended elsewhere or by the server's word: says so, and leads back here. */
export function SignedOutNote({ tab }: { tab: SettingsTab | null }) {
  const { session } = useApp();
  const { ended } = useSession();
  if (!ended) return null;
  return (
    <div
      role="alert"
      data-testid="signed-out"
      className="mb-6 flex items-start gap-3 rounded-2xl bg-bark-soft py-2 pr-2 pl-4 text-[0.9375rem] text-bark"
    >
      <CircleAlert className="mt-2 size-5 shrink-0" aria-hidden="true" />
      <div className="flex min-w-0 flex-1 flex-wrap items-center gap-x-3 gap-y-1">
        <p className="min-w-0 flex-1 basis-40 py-1.5">{describeFailure(ended)}</p>
        {ended.code === "session_ended" && (
          <Button asChild size="small">
            <Link href={signInHref(settingsHref(tab))}>Sign in</Link>
          </Button>
        )}
      </div>
      <Button
        variant="ghost-danger"
        size="medium-icon"
        aria-label="Close"
        onClick={() => session.dismissEnded()}
      >
        <X />
      </Button>
    </div>
  );
}
