"use client";

import { useEffect, useState } from "react";

/**
 * Whole seconds left of a wait; 0 when it is over. It began when this was first rendered, and begins
 * again with another `attempt`.
 */
export function useCountdown(seconds: number | null, attempt = 0): number {
  const [left, setLeft] = useState(Math.ceil(seconds ?? 0));
  const [counted, setCounted] = useState(attempt);
  if (counted !== attempt) {
    setCounted(attempt);
    setLeft(Math.ceil(seconds ?? 0));
  }
  const isRunning = left > 0;
  useEffect(() => {
    if (!isRunning) return;
    const timer = setInterval(() => setLeft((value) => Math.max(0, value - 1)), 1000);
    return () => clearInterval(timer);
  }, [isRunning]);
  return left;
}
