"use client";

import dynamic from "next/dynamic";
import { useRouter } from "next/navigation";
import { useEffect } from "react";
import { settingsHref } from "@/hooks/use-settings-address";
import { useShortcut } from "@/hooks/use-shortcut";
import { useStore } from "@/hooks/use-store";
import { patiently } from "@/lib/patiently";
import { Store } from "@/lib/store";
import { listenForShortcuts } from "@/lib/shortcuts";

const isListOpen = new Store(false);

/** Opens the list of shortcuts, from a menu for instance. */
export function openShortcuts(): void {
  isListOpen.set(true);
}

const ShortcutsDialog = dynamic(
  () => patiently(async () => (await import("./shortcuts-dialog")).ShortcutsDialog),
  { ssr: false },
);

/** Hears the keys, answers those that every page has, and shows the list; once on the page. */
export function Shortcuts() {
  const router = useRouter();
  const isOpen = useStore(isListOpen);
  useEffect(() => listenForShortcuts(), []);
  useShortcut("shortcuts", openShortcuts);
  useShortcut("settings", () => router.push(settingsHref()));
  return isOpen && <ShortcutsDialog onClose={() => isListOpen.set(false)} />;
}
