"use client";

import { useRef, useState } from "react";
import { SidebarPanel } from "./sidebar-panel";
import { SidebarRail } from "./sidebar-rail";
import { Drawer } from "@/components/ui/drawer";
import { useMediaQuery } from "@/hooks/use-media-query";
import { useShortcut } from "@/hooks/use-shortcut";
import { useStore } from "@/hooks/use-store";
import { cn } from "@/lib/cn";
import type { ListView } from "@/lib/conversation-list";
import { isSidebarRail, setSidebarRail } from "@/lib/sidebar";

interface SidebarProps {
  readonly conversation: number | null;
  /** Where there is no room for it beside the chat, it is a drawer. */
  readonly isOpen: boolean;
  readonly onOpenChange: (isOpen: boolean) => void;
  readonly onNewChat: () => void;
}

export function Sidebar({ conversation, isOpen, onOpenChange, onNewChat }: SidebarProps) {
  const isWide = useMediaQuery("(min-width: 64rem)");
  const isRail = useStore(isSidebarRail);
  const aside = useRef<HTMLElement>(null);
  const searchRef = useRef<HTMLInputElement>(null);
  // Closing the drawer does not change what it was about.
  const [view, setView] = useState<ListView>("active");

  /** The button that was pressed goes away; the one that undoes it takes the focus, if it had it. */
  function setRail(isNarrow: boolean): void {
    const hadFocus = aside.current?.contains(document.activeElement) ?? false;
    setSidebarRail(isNarrow);
    if (!hadFocus) return;
    const next = isNarrow ? "sidebar-expand" : "sidebar-collapse";
    afterRender(() => aside.current?.querySelector<HTMLElement>(`[data-testid="${next}"]`)?.focus());
  }

  function search(): void {
    if (searchRef.current !== null) return focusSearch();
    if (isWide) setSidebarRail(false);
    else onOpenChange(true);
    afterRender(focusSearch);
  }

  function focusSearch(): void {
    searchRef.current?.focus();
    searchRef.current?.select();
  }

  useShortcut("toggle_sidebar", () => (isWide ? setRail(!isRail) : onOpenChange(!isOpen)));
  useShortcut("search", search);

  const panel = (
    <SidebarPanel
      conversation={conversation}
      view={view}
      onViewChange={setView}
      searchRef={searchRef}
      onPicked={() => onOpenChange(false)}
      onNewChat={onNewChat}
      onClose={isWide ? () => setRail(true) : () => onOpenChange(false)}
      isDrawer={!isWide}
    />
  );
  if (!isWide) {
    return (
      <Drawer isOpen={isOpen} onOpenChange={onOpenChange} title="Conversations">
        {panel}
      </Drawer>
    );
  }
  return (
    <aside
      ref={aside}
      aria-label="Sidebar"
      data-testid="sidebar"
      className={cn("flex shrink-0 flex-col border-r bg-sunken", isRail ? "w-14" : "w-72")}
    >
      {isRail ? (
        <SidebarRail onExpand={() => setRail(false)} onNewChat={onNewChat} onSearch={search} />
      ) : (
        panel
      )}
    </aside>
  );
}

/** After the drawer, too, has placed the focus where it wants it. */
function afterRender(task: () => void): void {
  requestAnimationFrame(() => requestAnimationFrame(task));
}
