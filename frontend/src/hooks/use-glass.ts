"use client";

import { useEffect } from "react";
import { useApp } from "./use-app";
import { usePreferences } from "./use-preferences";
import { setPreference } from "@/lib/preferences";

/** Whether answers show what the model considered, and what changes it. */
export function useGlass(): readonly [boolean, (isOn: boolean) => void] {
  return [usePreferences().isGlassOn, setGlass];
}

/** Has new answers bring their alternatives along while the glass is on; mounted once. */
export function useGlassKeeper(): void {
  const { chat } = useApp();
  const { isGlassOn } = usePreferences();
  useEffect(() => chat.setGlass(isGlassOn), [chat, isGlassOn]);
}

function setGlass(isOn: boolean): void {
  setPreference("isGlassOn", isOn);
}
