"use client";

import { Slot } from "@radix-ui/react-slot";
import dynamic from "next/dynamic";
import {
  type FocusEvent,
  type KeyboardEvent,
  type PointerEvent,
  type ReactNode,
  useEffect,
  useId,
  useRef,
  useState,
} from "react";
import { isMovingByKey, watchKeyMoves } from "@/lib/key-moves";
import { patiently } from "@/lib/patiently";

export type Side = "top" | "right" | "bottom" | "left";

const POINTER_DELAY_MS = 500;

/** Placing it takes 16 kB of script, which the first load does without. */
const TooltipBubble = dynamic(
  () => patiently(async () => (await import("./tooltip-bubble")).TooltipBubble),
  { ssr: false },
);

interface TooltipProps {
  /** Repeats or explains the control's name; never the only place where something is said. */
  readonly text: string;
  readonly side?: Side;
  readonly children: ReactNode;
}

/**
 * Shown while the pointer rests on its child, or the keyboard has moved there; Escape puts it away.
 * A window that places the focus shows none: Escape is then for the window.
 */
export function Tooltip({ text, side = "top", children }: TooltipProps) {
  const id = useId();
  const anchor = useRef<HTMLElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const [isOpen, setIsOpen] = useState(false);
  useEffect(watchKeyMoves, []);
  useEffect(() => () => clearTimeout(timer.current), []);

  function close(): void {
    clearTimeout(timer.current);
    setIsOpen(false);
  }

  function openSoon(event: PointerEvent): void {
    if (event.pointerType === "touch") return;
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setIsOpen(true), POINTER_DELAY_MS);
  }

  function openByKey(event: FocusEvent): void {
    if (isMovingByKey() && event.currentTarget.matches(":focus-visible")) setIsOpen(true);
  }

  function closeByEscape(event: KeyboardEvent): void {
    if (event.key === "Escape") close();
  }

  return (
    <>
      <Slot
        ref={anchor}
        aria-describedby={isOpen ? id : undefined}
        onPointerEnter={openSoon}
        onPointerLeave={close}
        onPointerDown={close}
        onFocus={openByKey}
        onBlur={close}
        onKeyDown={closeByEscape}
      >
        {children}
      </Slot>
      {isOpen && <TooltipBubble id={id} text={text} side={side} anchor={anchor} />}
    </>
  );
}
