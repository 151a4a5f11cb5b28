"use client";

import { Monitor, Moon, Sun } from "lucide-react";
import { Button } from "./ui/button";
import { useTheme } from "@/hooks/use-theme";
import { THEMES } from "@/lib/theme";

const LOOKS = {
  system: { label: "Theme: as the device", Icon: Monitor },
  light: { label: "Theme: light", Icon: Sun },
  dark: { label: "Theme: dark", Icon: Moon },
} as const;

/** Steps through device, light and dark. */
export function ThemeButton() {
  const [theme, setTheme] = useTheme();
  const { label, Icon } = LOOKS[theme];
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "system";
  return (
    <Button
      variant="ghost"
      size="icon"
      aria-label={label}
      title={label}
      onClick={() => setTheme(next)}
      data-testid="theme"
    >
      <Icon className="size-5" />
    </Button>
  );
}
