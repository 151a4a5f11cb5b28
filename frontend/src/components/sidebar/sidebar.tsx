"use client";

import { SquarePen } from "lucide-react";
import { AccountMenu } from "./account-menu";
import { ConversationList } from "./conversation-list";
import { Brand } from "@/components/brand";
import { Button } from "@/components/ui/button";
import { Drawer } from "@/components/ui/drawer";
import { useMediaQuery } from "@/hooks/use-media-query";

interface SidebarProps {
  readonly conversation: number | null;
  /** Where there is no room for it beside the chat, it is a drawer. */
  readonly isOpen: boolean;
  readonly onOpenChange: (isOpen: boolean) => void;
  readonly onNewChat: () => void;
}

export function Sidebar({ conversation, isOpen, onOpenChange, onNewChat }: SidebarProps) {
  const isWide = useMediaQuery("(min-width: 64rem)");
  const content = (
    <>
      <div className="flex h-14 shrink-0 items-center px-4">
        <Brand />
      </div>
      <div className="px-3 pt-1 pb-2">
        <Button
          variant="outline"
          size="small"
          className="w-full"
          onClick={onNewChat}
          data-testid="new-chat"
        >
          <SquarePen className="size-4" />
          New chat
        </Button>
      </div>
      <ConversationList conversation={conversation} onPick={() => onOpenChange(false)} />
      <AccountMenu />
    </>
  );
  return isWide ? (
    <aside className="flex w-72 shrink-0 flex-col border-r bg-sunken">{content}</aside>
  ) : (
    <Drawer isOpen={isOpen} onOpenChange={onOpenChange} title="Conversations">
      {content}
    </Drawer>
  );
}
