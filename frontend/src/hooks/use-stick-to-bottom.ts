"use client";

import { useCallback, useEffect, useRef, useState } from "react";

/** Closer to the end than this counts as being there. */
const NEAR_PX = 32;

export interface StickToBottom {
  readonly scroller: HTMLElement | null;
  readonly setScroller: (element: HTMLElement | null) => void;
  readonly setContent: (element: HTMLElement | null) => void;
  readonly isAway: boolean;
  /** Something was added below while the reader was further up. */
  readonly hasNewText: boolean;
  readonly scrollToBottom: (behavior?: ScrollBehavior) => void;
}

/** Follows growing content, but only while the reader is at its end; scrolling up lets go. */
export function useStickToBottom(isActive: boolean): StickToBottom {
  const [scroller, setScroller] = useState<HTMLElement | null>(null);
  const [content, setContent] = useState<HTMLElement | null>(null);
  const [isAway, setIsAway] = useState(false);
  const [hasNewText, setHasNewText] = useState(false);
  const isPinned = useRef(true);

  useEffect(() => {
    if (!isActive || scroller === null || content === null) return;
    let lastTop = scroller.scrollTop;
    let lastHeight = content.offsetHeight;

    function onScroll(): void {
      if (scroller === null) return;
      const { scrollTop, scrollHeight, clientHeight } = scroller;
      const isNear = scrollHeight - scrollTop - clientHeight <= NEAR_PX;
      if (scrollTop < lastTop - 1 && !isNear) isPinned.current = false;
      else if (isNear) isPinned.current = true;
      lastTop = scrollTop;
      setIsAway(!isNear);
      if (isNear) setHasNewText(false);
    }

    const observer = new ResizeObserver(() => {
      // Scrolled up in this very frame, by a search's result say; its event comes later.
      if (scroller.scrollTop < lastTop - 1) onScroll();
      const hasGrown = content.offsetHeight > lastHeight;
      lastHeight = content.offsetHeight;
      if (isPinned.current) scroller.scrollTop = scroller.scrollHeight;
      else if (hasGrown) setHasNewText(true);
      onScroll();
    });
    observer.observe(content);
    observer.observe(scroller);
    scroller.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      observer.disconnect();
      scroller.removeEventListener("scroll", onScroll);
    };
  }, [isActive, scroller, content]);

  const scrollToBottom = useCallback(
    (behavior: ScrollBehavior = "instant") => {
      isPinned.current = true;
      scroller?.scrollTo({ top: scroller.scrollHeight, behavior });
    },
    [scroller],
  );

  return { scroller, setScroller, setContent, isAway, hasNewText, scrollToBottom };
}
