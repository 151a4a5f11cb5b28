"use client";

import { useEffect } from "react";
import { useStore } from "./use-store";
import { Store } from "@/lib/store";
import { applyTheme, DARK_QUERY, storedTheme, storeTheme, type Theme } from "@/lib/theme";

const chosen = new Store<Theme>("system");

/** Keeps the page in the chosen theme; mounted once. The boot script has set the first one. */
export function useThemeKeeper(): void {
  useEffect(() => {
    const apply = (): void => applyTheme(chosen.get());
    chosen.set(storedTheme());
    apply();
    const media = matchMedia(DARK_QUERY);
    media.addEventListener("change", apply);
    const stop = chosen.subscribe(apply);
    return () => {
      media.removeEventListener("change", apply);
      stop();
    };
  }, []);
}

export function useTheme(): readonly [Theme, (theme: Theme) => void] {
  return [useStore(chosen), chooseTheme];
}

function chooseTheme(theme: Theme): void {
  storeTheme(theme);
  chosen.set(theme);
}
