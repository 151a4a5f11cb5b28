"use client";

import { ChevronsUpDown, Keyboard, LogOut, Monitor, Moon, Settings, Sun } from "lucide-react";
import Link from "next/link";
import { openShortcuts } from "@/components/shortcuts/shortcuts";
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuLabel,
  DropdownMenuRadioGroup,
  DropdownMenuRadioItem,
  DropdownMenuSeparator,
  DropdownMenuTrigger,
} from "@/components/ui/dropdown-menu";
import { useSession } from "@/hooks/use-app";
import { settingsHref } from "@/hooks/use-settings-address";
import { useSignOut } from "@/hooks/use-sign-out";
import { useTheme } from "@/hooks/use-theme";
import { cn } from "@/lib/cn";
import { THEMES } from "@/lib/theme";

const THEME_LOOKS = {
  system: { label: "As the device", Icon: Monitor },
  light: { label: "Light", Icon: Sun },
  dark: { label: "Dark", Icon: Moon },
} as const;

/** `isSmall`: the picture alone, for the rail. */
export function AccountMenu({ isSmall = false }: { isSmall?: boolean }) {
  const { user } = useSession();
  const signOut = useSignOut();
  if (user === null) return null;
  return (
    <DropdownMenu modal={false}>
      <DropdownMenuTrigger asChild>
        <button
          type="button"
          data-testid="account-menu"
          aria-label={isSmall ? `Account: ${user.username}` : undefined}
          className={cn(
            "flex items-center gap-3 rounded-xl text-left text-sm transition-colors hover:bg-hover data-[state=open]:bg-hover",
            isSmall ? "p-1" : "w-full px-2 py-2",
          )}
        >
          <span
            aria-hidden="true"
            className="flex size-8 shrink-0 items-center justify-center rounded-full bg-leaf font-semibold text-on-leaf uppercase"
          >
            {user.username.slice(0, 1)}
          </span>
          {!isSmall && (
            <>
              <span className="min-w-0 flex-1 truncate font-medium">{user.username}</span>
              <ChevronsUpDown className="size-4 text-ink-soft" aria-hidden="true" />
            </>
          )}
        </button>
      </DropdownMenuTrigger>
      <DropdownMenuContent side="top" align="start" className="w-60">
        <DropdownMenuLabel className="truncate">Signed in as {user.username}</DropdownMenuLabel>
        <DropdownMenuItem asChild data-testid="settings">
          <Link href={settingsHref()}>
            <Settings />
            Settings
          </Link>
        </DropdownMenuItem>
        <DropdownMenuItem onSelect={() => setTimeout(openShortcuts)} data-testid="open-shortcuts">
          <Keyboard />
          Keyboard shortcuts
        </DropdownMenuItem>
        <DropdownMenuSeparator />
        <ThemeChoice />
        <DropdownMenuSeparator />
        <DropdownMenuItem onSelect={() => void signOut()} data-testid="sign-out">
          <LogOut />
          Sign out
        </DropdownMenuItem>
      </DropdownMenuContent>
    </DropdownMenu>
  );
}

function ThemeChoice() {
  const [theme, setTheme] = useTheme();
  return (
    <>
      <DropdownMenuLabel>Theme</DropdownMenuLabel>
      <DropdownMenuRadioGroup value={theme}>
        {THEMES.map((choice) => {
          const { label, Icon } = THEME_LOOKS[choice];
          return (
            <DropdownMenuRadioItem
              key={choice}
              value={choice}
              // Open, so that the choice can be looked at.
              onSelect={(event) => {
                event.preventDefault();
                setTheme(choice);
              }}
              data-testid={`theme-${choice}`}
            >
              <Icon />
              {label}
            </DropdownMenuRadioItem>
          );
        })}
      </DropdownMenuRadioGroup>
    </>
  );
}
