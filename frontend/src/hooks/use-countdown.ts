"use client";

import { useEffect, useState } from "react";

/** Whole seconds left of a wait that began when this was first rendered; 0 when it is over. */
export function useCountdown(seconds: number | null): number {
  const [left, setLeft] = useState(Math.ceil(seconds ?? 0));
  const isRunning = left > 0;
  useEffect(() => {
    if (!isRunning) return;
    const timer = setInterval(() => setLeft((value) => Math.max(0, value - 1)), 1000);
    return () => clearInterval(timer);
  }, [isRunning]);
  return left;
}
