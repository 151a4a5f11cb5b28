"use client";

import Link from "next/link";
import { CardSkeleton } from "./card-skeleton";
import { Card } from "./parts";
import { SECTIONS } from "./sections";
import { Button } from "@/components/ui/button";
import { Skeleton } from "@/components/ui/skeleton";
import { useSession } from "@/hooks/use-app";
import { settingsHref, type SettingsTab } from "@/hooks/use-settings-address";
import { signInHref } from "@/lib/next-path";

interface SectionViewProps {
  readonly tab: SettingsTab;
  /** False in what the server wrote: which section it will be is not known yet. */
  readonly isKnown: boolean;
}

export function SectionView({ tab, isKnown }: SectionViewProps) {
  const { status } = useSession();
  const { title, Content, needsAccount } = SECTIONS[tab];
  if (!isKnown || status === "restoring") return <SectionSkeleton />;
  return (
    <>
      <h2
        data-section={tab}
        tabIndex={-1}
        className="mb-5 font-display text-2xl font-bold tracking-tight outline-none"
      >
        {title}
      </h2>
      {status === "guest" && needsAccount ? (
        <AccountOffer tab={tab} text={needsAccount} />
      ) : (
        <Content />
      )}
    </>
  );
}

function AccountOffer({ tab, text }: { tab: SettingsTab; text: string }) {
  const back = settingsHref(tab);
  return (
    <Card title="You are a guest" lead={text}>
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

function SectionSkeleton() {
  return (
    <>
      <Skeleton className="mt-1.5 mb-7 h-6 w-40" />
      <CardSkeleton />
    </>
  );
}
