"use client";

import * as Base from "@radix-ui/react-tooltip";
import type { ReactNode } from "react";

interface TooltipProps {
  /** Repeats or explains the control's name; never the only place where something is said. */
  readonly text: string;
  readonly side?: "top" | "right" | "bottom" | "left";
  readonly children: ReactNode;
}

/** Brings its own provider: one around all pages would load this for everybody. */
export function Tooltip({ text, side = "top", children }: TooltipProps) {
  return (
    <Base.Provider delayDuration={500}>
      <Base.Root>
        <Base.Trigger asChild>{children}</Base.Trigger>
        <Base.Portal>
          <Base.Content
            side={side}
            sideOffset={6}
            collisionPadding={8}
            className="pointer-events-none z-50 rounded-lg bg-ink px-2.5 py-1.5 text-xs font-medium text-canvas shadow-lift motion-safe:animate-appear"
          >
            {text}
          </Base.Content>
        </Base.Portal>
      </Base.Root>
    </Base.Provider>
  );
}
