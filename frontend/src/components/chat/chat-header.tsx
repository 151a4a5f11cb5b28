"use client";

import { Menu, SquarePen } from "lucide-react";
import Link from "next/link";
import { Brand } from "@/components/brand";
import { ThemeButton } from "@/components/theme-button";
import { Button } from "@/components/ui/button";
import { useSession } from "@/hooks/use-app";
import { cn } from "@/lib/cn";

interface ChatHeaderProps {
  readonly title: string | null;
  readonly conversation: number | null;
  readonly isEmpty: boolean;
  readonly onOpenMenu: () => void;
  readonly onNewChat: () => void;
}

export function ChatHeader({ title, conversation, isEmpty, onOpenMenu, onNewChat }: ChatHeaderProps) {
  const { status } = useSession();
  const isMember = status === "member";
  const search = conversation === null ? "" : `?c=${conversation}`;
  return (
    <header className="flex h-14 shrink-0 items-center gap-1 px-2 sm:px-4">
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
      <div className="min-w-0 flex-1 px-2">
        {!isEmpty && (
          <h1
            className={title === null ? "sr-only" : "truncate font-medium"}
            title={title ?? undefined}
          >
            {title ?? "Chat"}
          </h1>
        )}
      </div>
      {!isEmpty && (
        <Button
          variant="ghost"
          size="icon"
          className={isMember ? "lg:hidden" : undefined}
          aria-label="New chat"
          onClick={onNewChat}
          data-testid="new-chat-header"
        >
          <SquarePen className="size-5" />
        </Button>
      )}
      <ThemeButton />
      {status === "guest" && (
        <>
          <Button asChild variant="ghost" size="small" className="max-sm:px-2">
            <Link href={`/login/${search}`} data-testid="sign-in">
              Sign in
            </Link>
          </Button>
          <Button asChild size="small" className="ml-1">
            <Link href={`/register/${search}`} data-testid="register">
              Sign up
            </Link>
          </Button>
        </>
      )}
    </header>
  );
}
