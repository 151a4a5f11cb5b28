"use client";

import { type RefObject, useEffect, useRef } from "react";
import { ListFailure } from "./list-failure";
import { Button } from "@/components/ui/button";
import type { ConversationsQuery } from "@/hooks/use-conversations";

/** How far from its end the list grows. */
const MARGIN = "600px 0px";

interface ListEndProps {
  readonly list: Pick<ConversationsQuery, "data" | "isLoadingMore" | "moreError" | "loadMore">;
  readonly scroller: RefObject<HTMLElement | null>;
}

/** Loads what is older when it comes near; the button is for keyboards, and for a second try. */
export function ListEnd({ list, scroller }: ListEndProps) {
  const { isLoadingMore, moreError, loadMore } = list;
  const sentinel = useRef<HTMLDivElement>(null);
  const isWaiting = !isLoadingMore && moreError === null;

  useEffect(() => {
    if (!isWaiting || sentinel.current === null) return;
    // Observed anew after each page: a short one leaves the end where it is, which is no event.
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) void loadMore();
      },
      { root: scroller.current, rootMargin: MARGIN },
    );
    observer.observe(sentinel.current);
    return () => observer.disconnect();
  }, [isWaiting, loadMore, scroller]);

  return (
    <div ref={sentinel} className="pt-3">
      {moreError ? (
        <ListFailure error={moreError} onRetry={() => void loadMore()} />
      ) : (
        <Button
          variant="ghost"
          size="small"
          className="w-full"
          aria-disabled={isLoadingMore}
          onClick={() => void loadMore()}
          data-testid="load-more"
        >
          {isLoadingMore ? "Loading…" : "Show older"}
        </Button>
      )}
    </div>
  );
}
