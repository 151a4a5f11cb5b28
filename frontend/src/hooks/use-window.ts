"use client";

import { type RefObject, useEffect, useState } from "react";

export interface Window {
  readonly top: number;
  readonly bottom: number;
}

/** In steps of this, so that scrolling draws seldom; one is drawn ahead on both sides. */
const STEP_PX = 600;

/** Which part of something tall is near the eye, in pixels of its content. */
export function useWindow(scroller: RefObject<HTMLElement | null>, isOn: boolean): Window {
  const [shown, setShown] = useState<Window>({ top: 0, bottom: 4 * STEP_PX });
  useEffect(() => {
    const element = scroller.current;
    if (!isOn || element === null) return;
    function look(): void {
      if (element === null) return;
      const { scrollTop, clientHeight } = element;
      const top = (Math.floor(scrollTop / STEP_PX) - 1) * STEP_PX;
      const bottom = (Math.ceil((scrollTop + clientHeight) / STEP_PX) + 1) * STEP_PX;
      setShown((old) => (old.top === top && old.bottom === bottom ? old : { top, bottom }));
    }
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener("scroll", look, { passive: true });
    look();
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", look);
    };
  }, [scroller, isOn]);
  return shown;
}
