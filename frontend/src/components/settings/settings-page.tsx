"use client";

import { ArrowLeft, ChevronLeft, ChevronRight } from "lucide-react";
import Link from "next/link";
import { type MouseEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { SectionView } from "./section-view";
import { SECTIONS } from "./sections";
import { SignedOutNote } from "./signed-out-note";
import { useSession } from "@/hooks/use-app";
import {
  SETTINGS_TABS,
  type SettingsTab,
  showSettingsTab,
  useSettingsAddress,
} from "@/hooks/use-settings-address";
import { cn } from "@/lib/cn";

const BACK =
  "inline-flex h-11 items-center gap-2 rounded-xl px-3 text-[0.9375rem] font-medium text-ink-soft transition-colors hover:bg-hover hover:text-ink";

/** Where list and section stand side by side. */
const WIDE = "(min-width: 48rem)";

export function SettingsPage() {
  const { user, status } = useSession();
  const address = useSettingsAddress();
  const first: SettingsTab = status === "guest" ? "answers" : "profile";
  const named = address?.tab ?? null;
  const tab = named ?? first;
  useTitle(address === null ? null : SECTIONS[tab].title);
  const goTo = useFocusAfterMove(named);

  return (
    <div className="min-h-dvh">
      <a
        href="#section"
        className="absolute top-2 left-2 z-50 -translate-y-20 rounded-lg bg-leaf px-4 py-2 text-on-leaf focus:translate-y-0"
      >
        Skip to the settings
      </a>
      <header className="mx-auto flex h-16 max-w-5xl items-center px-1 sm:px-3">
        {named !== null && (
          <SectionLink tab={null} onGo={goTo} className={cn(BACK, "md:hidden")}>
            <ChevronLeft className="size-4" /> All settings
          </SectionLink>
        )}
        <Link
          href={`/${address?.conversation ? `?c=${address.conversation}` : ""}`}
          className={cn(BACK, named !== null && "max-md:hidden")}
          data-testid="back-to-chat"
        >
          <ArrowLeft className="size-4" /> Back to the chat
        </Link>
      </header>
      <main className="mx-auto max-w-5xl px-4 pb-24 sm:px-6">
        <h1
          className={cn(
            "mb-6 font-display text-3xl font-bold tracking-tight",
            named !== null && "max-md:sr-only",
          )}
        >
          Settings
        </h1>
        <SignedOutNote tab={named} />
        <div className="md:grid md:grid-cols-[13rem_minmax(0,1fr)] md:gap-10">
          <SectionNav tab={tab} isListShown={named === null} onGo={goTo} />
          <div
            id="section"
            tabIndex={-1}
            className={cn("outline-none", named === null && "max-md:hidden")}
          >
            <VisitedSections key={user?.id ?? status} tab={tab} isKnown={address !== null} />
          </div>
        </div>
      </main>
    </div>
  );
}

interface VisitedSectionsProps {
  readonly tab: SettingsTab;
  readonly isKnown: boolean;
}

/** A section that was opened stays, unseen, so that nothing typed is lost by looking elsewhere. */
function VisitedSections({ tab, isKnown }: VisitedSectionsProps) {
  const [visited, setVisited] = useState<readonly SettingsTab[]>([tab]);
  if (isKnown && !visited.includes(tab)) setVisited([...visited, tab]);
  return SETTINGS_TABS.filter((one) => visited.includes(one) || one === tab).map((one) => (
    <div key={one} hidden={one !== tab}>
      <SectionView tab={one} isKnown={isKnown} />
    </div>
  ));
}

interface SectionNavProps {
  readonly tab: SettingsTab;
  readonly isListShown: boolean;
  readonly onGo: (tab: SettingsTab | null) => void;
}

function SectionNav({ tab, isListShown, onGo }: SectionNavProps) {
  return (
    <nav aria-label="Settings" className={cn(!isListShown && "max-md:hidden")}>
      <ul className="max-md:divide-y max-md:overflow-hidden max-md:rounded-2xl max-md:border max-md:bg-raised md:sticky md:top-6 md:space-y-0.5">
        {SETTINGS_TABS.map((one) => (
          <li key={one}>
            <SectionLink
              tab={one}
              onGo={onGo}
              isCurrent={one === tab && !isListShown}
              className={cn(
                "flex items-center gap-3 text-[0.9375rem] font-medium transition-colors hover:bg-hover focus-visible:-outline-offset-2 max-md:min-h-16 max-md:px-4 md:h-10 md:rounded-xl md:px-3",
                one === tab ? "md:bg-bubble md:text-ink" : "md:text-ink-soft",
              )}
            >
              <SectionLabel tab={one} />
            </SectionLink>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function SectionLabel({ tab }: { tab: SettingsTab }) {
  const { title, summary, Icon } = SECTIONS[tab];
  return (
    <>
      <Icon className="size-4 shrink-0 text-leaf max-md:size-5" aria-hidden="true" />
      <span className="min-w-0 flex-1">
        {title}
        <span className="block text-sm font-normal text-ink-soft md:hidden">{summary}</span>
      </span>
      <ChevronRight className="size-4 text-ink-soft md:hidden" aria-hidden="true" />
    </>
  );
}

interface SectionLinkProps {
  readonly tab: SettingsTab | null;
  readonly onGo: (tab: SettingsTab | null) => void;
  readonly isCurrent?: boolean;
  readonly className: string;
  readonly children: ReactNode;
}

/** A link, so that it can be copied and opened in another tab; a plain click fetches nothing. */
function SectionLink({ tab, onGo, isCurrent, className, children }: SectionLinkProps) {
  function go(event: MouseEvent): void {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    onGo(tab);
  }
  return (
    <a
      href={tab === null ? "/settings/" : `/settings/?tab=${tab}`}
      onClick={go}
      aria-current={isCurrent ? "page" : undefined}
      data-testid={`settings-${tab ?? "list"}`}
      className={className}
    >
      {children}
    </a>
  );
}

/** On phones the pressed link disappears: the focus goes to what has come instead. */
function useFocusAfterMove(tab: SettingsTab | null): (tab: SettingsTab | null) => void {
  const hasMoved = useRef(false);
  const left = useRef<SettingsTab | null>(null);
  useEffect(() => {
    if (!hasMoved.current) return;
    hasMoved.current = false;
    const target =
      tab === null ? `[data-testid="settings-${left.current}"]` : `[data-section="${tab}"]`;
    document.querySelector<HTMLElement>(target)?.focus({ preventScroll: true });
    scrollTo({ top: 0 });
  }, [tab]);
  return (next) => {
    hasMoved.current = !matchMedia(WIDE).matches;
    left.current = tab;
    showSettingsTab(next);
  };
}

function useTitle(section: string | null): void {
  useEffect(() => {
    if (section !== null) document.title = `${section} · Settings · EuGPT`;
  }, [section]);
}
