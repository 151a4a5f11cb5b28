"use client";

import { useEffect, useState } from "react";

/** Some moment of the current day; a new one when the day has changed. */
export function useToday(): Date {
  const [today, setToday] = useState(() => new Date());
  useEffect(() => {
    const look = (): void =>
      setToday((before) => {
        const now = new Date();
        return now.toDateString() === before.toDateString() ? before : now;
      });
    const timer = setInterval(look, 60_000);
    document.addEventListener("visibilitychange", look);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, []);
  return today;
}
