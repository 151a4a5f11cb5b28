"use client";

import { Glasses } from "lucide-react";
import { IconButton } from "@/components/ui/icon-button";
import { useGlass, useGlassKeeper } from "@/hooks/use-glass";
import { useShortcut } from "@/hooks/use-shortcut";

/** Switches the glass for all answers; in the header, once on the page. */
export function GlassToggle() {
  const [isOn, setIsOn] = useGlass();
  useGlassKeeper();
  useShortcut("toggle_glass", () => setIsOn(!isOn));
  return (
    <IconButton
      label="Look inside answers"
      side="bottom"
      aria-pressed={isOn}
      onClick={() => setIsOn(!isOn)}
      className="aria-pressed:bg-bubble aria-pressed:text-leaf-strong"
      data-testid="glass-toggle"
    >
      <Glasses className="size-5" />
    </IconButton>
  );
}
