"use client";

import { ChevronsUpDown, LogOut } from "lucide-react";
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuLabel,
  DropdownMenuTrigger,
} from "@/components/ui/dropdown-menu";
import { useApp, useSession } from "@/hooks/use-app";
import { showConversation } from "@/hooks/use-shown-conversation";

export function AccountMenu() {
  const { session } = useApp();
  const { user } = useSession();
  if (user === null) return null;

  function signOut(): void {
    showConversation(null, { replace: true });
    // Out of reach or not, this page forgets the session; a refusal leaves nothing to do.
    void session.logout().catch(() => undefined);
  }

  return (
    <div className="border-t p-3">
      <DropdownMenu modal={false}>
        <DropdownMenuTrigger asChild>
          <button
            type="button"
            data-testid="account-menu"
            className="flex w-full items-center gap-3 rounded-xl px-2 py-2 text-left text-sm transition-colors hover:bg-hover"
          >
            <span
              aria-hidden="true"
              className="flex size-8 items-center justify-center rounded-full bg-leaf font-semibold text-on-leaf uppercase"
            >
              {user.username.slice(0, 1)}
            </span>
            <span className="min-w-0 flex-1 truncate font-medium">{user.username}</span>
            <ChevronsUpDown className="size-4 text-ink-soft" aria-hidden="true" />
          </button>
        </DropdownMenuTrigger>
        <DropdownMenuContent side="top" align="start" className="w-60">
          <DropdownMenuLabel>Signed in as {user.username}</DropdownMenuLabel>
          <DropdownMenuItem onSelect={signOut} data-testid="sign-out">
            <LogOut />
            Sign out
          </DropdownMenuItem>
        </DropdownMenuContent>
      </DropdownMenu>
    </div>
  );
}
