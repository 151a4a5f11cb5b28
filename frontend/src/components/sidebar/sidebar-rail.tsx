"use client";

import { PanelLeftOpen, Search, SquarePen } from "lucide-react";
import { AccountMenu } from "./account-menu";
import { IconButton } from "@/components/ui/icon-button";

interface SidebarRailProps {
  readonly onExpand: () => void;
  readonly onNewChat: () => void;
  readonly onSearch: () => void;
}

/** The sidebar made narrow: its most used buttons. */
export function SidebarRail({ onExpand, onNewChat, onSearch }: SidebarRailProps) {
  return (
    <>
      <div className="flex flex-1 flex-col items-center gap-1 pt-2">
        <IconButton
          label="Show the sidebar"
          side="right"
          onClick={onExpand}
          data-testid="sidebar-expand"
        >
          <PanelLeftOpen className="size-5" />
        </IconButton>
        <IconButton label="New chat" side="right" onClick={onNewChat} data-testid="new-chat">
          <SquarePen className="size-5" />
        </IconButton>
        <IconButton label="Search" side="right" onClick={onSearch} data-testid="rail-search">
          <Search className="size-5" />
        </IconButton>
      </div>
      <div className="flex justify-center pb-3">
        <AccountMenu isSmall />
      </div>
    </>
  );
}
