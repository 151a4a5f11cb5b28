"use client";

import { useEffect } from "react";
import { useStore } from "./use-store";
import { readFlag, writeFlag } from "@/lib/flags";
import { Store } from "@/lib/store";

const SPEED_FLAG = "eugpt.speed";
const isShown = new Store(false);

/** Whether answers tell how quick they are, and what changes it. */
export function useSpeedShown(): readonly [boolean, (isShown: boolean) => void] {
  useEffect(() => isShown.set(readFlag(SPEED_FLAG) === "1"), []);
  return [useStore(isShown), showSpeed];
}

function showSpeed(value: boolean): void {
  writeFlag(SPEED_FLAG, value ? "1" : null);
  isShown.set(value);
}
