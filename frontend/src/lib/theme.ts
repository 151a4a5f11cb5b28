/** The chosen theme. `system` follows the device and keeps following it. */
import { readFlag, writeFlag } from "./flags";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

export const THEME_FLAG = "eugpt.theme";
export const DARK_QUERY = "(prefers-color-scheme: dark)";

export function storedTheme(): Theme {
  const stored = readFlag(THEME_FLAG);
  return THEMES.find((theme) => theme === stored) ?? "system";
}

export function storeTheme(theme: Theme): void {
  writeFlag(THEME_FLAG, theme === "system" ? null : theme);
}

/** Sets what the style sheet looks at. */
export function applyTheme(theme: Theme): void {
  const isDark = theme === "dark" || (theme === "system" && matchMedia(DARK_QUERY).matches);
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
}
