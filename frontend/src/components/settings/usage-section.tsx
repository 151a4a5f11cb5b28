"use client";

import Link from "next/link";
import { LoadState } from "./load-state";
import { Card } from "./parts";
import { Button } from "@/components/ui/button";
import { useQuota } from "@/hooks/use-quota";
import { settingsHref } from "@/hooks/use-settings-address";
import { isLow, type Limit, type Quota, type Role } from "@/lib/api/quota";
import { cn } from "@/lib/cn";
import { describeWait } from "@/lib/failure";
import { signInHref } from "@/lib/next-path";

const LEADS: Readonly<Record<Role, string>> = {
  guest: "As a guest you share a small part of the model. With an account you may ask more.",
  member: "So that everybody gets a turn, what one account may ask has limits.",
  staff: "You look after this site.",
};

/** How much may be asked, and what is left of it. */
export function UsageSection() {
  const query = useQuota();
  return <LoadState query={query}>{(quota) => <Usage quota={quota} />}</LoadState>;
}

function Usage({ quota: { role, isLimited, limits } }: { quota: Quota }) {
  if (!isLimited || limits.length === 0) {
    return (
      <Card>
        <p data-testid="usage-unlimited">Ask as much as you like: nothing is counted here.</p>
      </Card>
    );
  }
  return (
    <div className="space-y-5">
      <Card lead={LEADS[role]}>
        <ul className="space-y-6" data-testid="usage">
          {limits.map((limit) => (
            <LimitRow key={limit.name} limit={limit} />
          ))}
        </ul>
      </Card>
      {role === "guest" && <SignUpCard />}
    </div>
  );
}

const SPANS: Readonly<Record<number, string>> = { 60: "a minute", 3_600: "an hour", 86_400: "a day" };

/** An operator may count in other spans than the usual ones. */
function titleOf({ windowS }: Limit): string {
  if (windowS === 0) return "Answers at the same time";
  return `Messages ${SPANS[windowS] ?? `in ${describeWait(windowS)}`}`;
}

function LimitRow({ limit }: { limit: Limit }) {
  const used = limit.limit - limit.remaining;
  const title = titleOf(limit);
  return (
    <li data-testid={`usage-${limit.name}`}>
      <div className="flex flex-wrap items-baseline justify-between gap-x-4">
        <h3 className="font-medium">{title}</h3>
        <p className="text-sm text-ink-soft tabular-nums">
          {limit.remaining} of {limit.limit} left
        </p>
      </div>
      <div
        role="progressbar"
        aria-label={`${title}, used`}
        aria-valuemin={0}
        aria-valuemax={limit.limit}
        aria-valuenow={used}
        className="mt-2 h-2 overflow-hidden rounded-full bg-line"
      >
        <div
          className={cn("h-full rounded-full", isLow(limit) ? "bg-bark" : "bg-leaf")}
          style={{ width: `${Math.min(100, (used / limit.limit) * 100)}%` }}
        />
      </div>
      <p className="mt-1.5 text-sm text-ink-soft tabular-nums">{resetWords(limit, used)}</p>
    </li>
  );
}

function resetWords({ resetS }: Limit, used: number): string {
  if (used === 0) return "Nothing used.";
  if (resetS <= 0) return "More as soon as an answer is done.";
  return `More comes back in ${describeWait(Math.ceil(resetS))}.`;
}

function SignUpCard() {
  const back = settingsHref("usage");
  return (
    <Card title="More with an account">
      <div className="flex flex-wrap gap-2">
        <Button asChild>
          <Link href={signInHref(back, "register")}>Create an account</Link>
        </Button>
        <Button asChild variant="outline">
          <Link href={signInHref(back)}>Sign in</Link>
        </Button>
      </div>
    </Card>
  );
}
