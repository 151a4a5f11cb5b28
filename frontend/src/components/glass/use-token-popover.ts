import { type FocusEvent, type KeyboardEvent, type PointerEvent, useEffect, useRef, useState } from "react";
import { neighbour, STEP_KEYS } from "./neighbour";

const OPEN_MS = 140;
const CLOSE_MS = 220;

/** `preview` follows the pointer or the focus; `pinned` was asked for and stays until it is closed. */
interface Shown {
  readonly start: number;
  readonly mode: "preview" | "pinned";
}

/**
 * Which token is looked at: by hovering, by moving the focus with the arrow keys, by a press. Tokens
 * are known by where they start in the text (`data-start`); one of them is the tab stop.
 */
export function useTokenPopover() {
  const list = useRef<HTMLDivElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const anchor = useRef<HTMLElement | null>(null);
  const hovered = useRef<HTMLElement | null>(null);
  const isLeadingBack = useRef(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const [shown, setShown] = useState<Shown | null>(null);
  const [stop, setStop] = useState<number | null>(null);
  useEffect(() => () => clearTimeout(timer.current), []);

  function show(token: HTMLElement, mode: Shown["mode"]): void {
    clearTimeout(timer.current);
    anchor.current = token;
    setShown({ start: startOf(token), mode });
  }

  function hide(): void {
    clearTimeout(timer.current);
    setShown(null);
  }

  function later(action: () => void, ms: number): void {
    clearTimeout(timer.current);
    timer.current = setTimeout(action, ms);
  }

  function hideLater(): void {
    if (shown?.mode !== "pinned") later(hide, CLOSE_MS);
  }

  /** Words that come to lie under a resting pointer are not pointed at. */
  function follow({ target, movementX, movementY }: PointerEvent): void {
    const token = tokenAt(target);
    if (token === hovered.current || (movementX === 0 && movementY === 0)) return;
    hovered.current = token;
    if (token === null) hideLater();
    else later(() => show(token, "preview"), shown === null ? OPEN_MS : OPEN_MS / 2);
  }

  function pin(token: HTMLElement): void {
    setStop(startOf(token));
    show(token, "pinned");
    // It may be open already, as a preview that has left the focus where it was.
    requestAnimationFrame(() => focusFirst(panel.current));
  }

  function onKeyDown(event: KeyboardEvent): void {
    const token = tokenAt(event.target);
    if (token === null || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      pin(token);
    } else if (event.key === "Escape" && shown !== null) {
      event.stopPropagation();
      hide();
    } else if (STEP_KEYS.has(event.key)) {
      event.preventDefault();
      const tokens = tokensOf(list.current);
      const next = tokens[neighbour(tokens, tokens.indexOf(token), event.key)];
      if (next === undefined) return;
      setStop(startOf(next));
      next.focus();
    }
  }

  const listProps = {
    ref: list,
    onKeyDown,
    onClick: (event: { readonly target: EventTarget }) => {
      const token = tokenAt(event.target);
      if (token !== null) pin(token);
    },
    onPointerMove: (event: PointerEvent) => {
      if (event.pointerType === "mouse" && shown?.mode !== "pinned") follow(event);
    },
    onPointerLeave: () => {
      hovered.current = null;
      hideLater();
    },
    onFocus: (event: FocusEvent) => {
      const token = tokenAt(event.target);
      if (isLeadingBack.current || shown?.mode === "pinned") return;
      if (token?.matches(":focus-visible")) show(token, "preview");
    },
    onBlur: (event: FocusEvent) => {
      const isInside = list.current?.contains(event.relatedTarget) === true;
      if (!isInside && shown?.mode === "preview") hide();
    },
  };

  const panelProps = {
    ref: panel,
    onOpenAutoFocus: (event: Event) => event.preventDefault(),
    onCloseAutoFocus: (event: Event) => {
      event.preventDefault();
      // Unless it went elsewhere, the focus was in what has just gone.
      if (document.activeElement !== document.body) return;
      isLeadingBack.current = true;
      anchor.current?.focus({ preventScroll: true });
      isLeadingBack.current = false;
    },
    onPointerEnter: () => clearTimeout(timer.current),
    onPointerLeave: hideLater,
    // A press or the focus on another token shows that one instead.
    onInteractOutside: (event: Event) => {
      if (list.current?.contains(event.target as Node)) event.preventDefault();
    },
  };

  return { shown, stop, anchor, hide, listProps, panelProps };
}

function tokensOf(list: HTMLElement | null): readonly HTMLElement[] {
  return list === null ? [] : [...list.querySelectorAll<HTMLElement>("[data-start]")];
}

function tokenAt(target: EventTarget): HTMLElement | null {
  return target instanceof Element ? target.closest<HTMLElement>("[data-start]") : null;
}

function startOf(token: HTMLElement): number {
  return Number(token.dataset.start);
}

function focusFirst(panel: HTMLElement | null): void {
  (panel?.querySelector<HTMLElement>("button") ?? panel)?.focus();
}
