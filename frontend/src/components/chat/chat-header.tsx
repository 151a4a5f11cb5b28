"use client";

import { Menu, SquarePen } from "lucide-react";
import dynamic from "next/dynamic";
import Link from "next/link";
import { ShareButton } from "./share-button";
import { TemporaryBadge, TemporaryToggle } from "./temporary";
import { Brand } from "@/components/brand";
import { GlassToggle } from "@/components/glass/glass-toggle";
import { ThemeButton } from "@/components/theme-button";
import { Button } from "@/components/ui/button";
import { IconButton } from "@/components/ui/icon-button";
import { useSession } from "@/hooks/use-app";
import { cn } from "@/lib/cn";
import { patiently } from "@/lib/patiently";

/** Comes with what renames; an empty page has nothing to name. */
const ChatTitle = dynamic(
  () => patiently(async () => (await import("./chat-title")).ChatTitle),
  { ssr: false },
);

interface ChatHeaderProps {
  readonly title: string | null;
  readonly conversation: number | null;
  readonly isEmpty: boolean;
  readonly isTemporary: boolean;
  readonly onTemporary: (isOn: boolean) => void;
  readonly onOpenMenu: () => void;
  readonly onNewChat: () => void;
}

export function ChatHeader(props: ChatHeaderProps) {
  const { title, conversation, isEmpty, isTemporary, onTemporary, onOpenMenu, onNewChat } = props;
  const { status } = useSession();
  const isMember = status === "member";
  const search = conversation === null ? "" : `?c=${conversation}`;
  return (
    <header className="flex h-14 shrink-0 items-center gap-1 px-2 sm:px-4 low:h-11">
      {isMember && (
        <Button
          variant="ghost"
          size="icon"
          className="lg:hidden"
          aria-label="Open conversations"
          onClick={onOpenMenu}
          data-testid="open-menu"
        >
          <Menu className="size-5" />
        </Button>
      )}
      {!isMember && (
        <Brand className={cn("ml-1.5 sm:ml-0", status === "restoring" && "boot-guest")} />
      )}
      <div className="flex min-w-0 flex-1 items-center gap-2 px-1">
        {!isEmpty && <ChatTitle key={conversation} title={title} conversation={conversation} />}
        {isTemporary && <TemporaryBadge />}
      </div>
      {isMember && conversation !== null && title !== null && (
        <ShareButton key={conversation} conversation={conversation} title={title} />
      )}
      {isMember && isEmpty && conversation === null && (
        <TemporaryToggle isOn={isTemporary} onChange={onTemporary} />
      )}
      {!isEmpty && (
        <IconButton
          label="New chat"
          side="bottom"
          className={isMember ? "lg:hidden" : undefined}
          onClick={onNewChat}
          data-testid="new-chat-header"
        >
          <SquarePen className="size-5" />
        </IconButton>
      )}
      <GlassToggle />
      {/* It is among the settings, too; in a chat on a phone others need the room more. */}
      <div className={cn("contents", !isEmpty && "max-sm:hidden")}>
        <ThemeButton />
      </div>
      {status === "guest" && (
        <>
          <Button asChild variant="ghost" size="small" className="max-sm:px-2">
            <Link href={`/login/${search}`} data-testid="sign-in">
              Sign in
            </Link>
          </Button>
          <Button asChild size="small" className="ml-1 max-[22rem]:hidden">
            <Link href={`/register/${search}`} data-testid="register">
              Sign up
            </Link>
          </Button>
        </>
      )}
    </header>
  );
}
