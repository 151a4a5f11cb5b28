"use client";

import * as Base from "@radix-ui/react-popover";
import type { RefObject } from "react";
import type { Side } from "./tooltip";

interface TooltipBubbleProps {
  readonly id: string;
  readonly text: string;
  readonly side: Side;
  readonly anchor: RefObject<HTMLElement | null>;
}

/** What a tooltip shows, placed by Radix; it never takes the focus. */
export function TooltipBubble({ id, text, side, anchor }: TooltipBubbleProps) {
  return (
    <Base.Root open>
      <Base.Anchor virtualRef={anchor as RefObject<HTMLElement>} />
      <Base.Portal>
        <Base.Content
          id={id}
          role="tooltip"
          side={side}
          sideOffset={6}
          collisionPadding={8}
          onOpenAutoFocus={(event) => event.preventDefault()}
          onCloseAutoFocus={(event) => event.preventDefault()}
          className="pointer-events-none z-50 rounded-lg bg-ink px-2.5 py-1.5 text-xs font-medium text-canvas shadow-lift motion-safe:animate-appear"
        >
          {text}
        </Base.Content>
      </Base.Portal>
    </Base.Root>
  );
}
