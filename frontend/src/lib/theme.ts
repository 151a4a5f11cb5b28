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

/** The browser's own bars: --canvas of globals.css, as old browsers can read it. */
export const THEME_COLORS = { light: "#f6fbf8", dark: "#0f1a18" } as const;

/** Sets what the style sheet looks at, and the colour around the page. */
export function applyTheme(theme: Theme): void {
  const isDark = theme === "dark" || (theme === "system" && matchMedia(DARK_QUERY).matches);
  const look = isDark ? "dark" : "light";
  document.documentElement.dataset.theme = look;
  // One for each scheme of the device, which the choice overrules.
  for (const meta of document.querySelectorAll('meta[name="theme-color"]')) {
    meta.setAttribute("content", THEME_COLORS[look]);
  }
}
