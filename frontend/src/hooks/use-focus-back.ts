"use client";

import { useState } from "react";

/**
 * Gives the focus back to what opened a window, which Radix does only where the window has a trigger
 * of its own. What was opened from a menu comes from the button of that menu: the entry has gone.
 */
export function useFocusBack(isOpen: boolean): (event: Event) => void {
  const [seen, setSeen] = useState<Seen>({ isOpen: false, opener: null });
  // While it renders for the first time: a field inside may take the focus when it is there.
  if (seen.isOpen !== isOpen) {
    setSeen({ isOpen, opener: isOpen ? openerOf(document.activeElement) : seen.opener });
  }
  return (event) => {
    event.preventDefault();
    const isLost = document.activeElement === null || document.activeElement === document.body;
    if (isLost) seen.opener?.focus({ preventScroll: true });
  };
}

interface Seen {
  readonly isOpen: boolean;
  readonly opener: HTMLElement | null;
}

function openerOf(focused: Element | null): HTMLElement | null {
  const button = focused?.closest("[role=menu]")?.getAttribute("aria-labelledby");
  const opener = button ? document.getElementById(button) : focused;
  return opener instanceof HTMLElement && opener !== document.body ? opener : null;
}
