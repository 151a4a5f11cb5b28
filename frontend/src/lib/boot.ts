/**
 * The script that runs before the first paint: the right theme and motion, and no flash of the guest page for
 * somebody who is about to be signed in again. Inline and constant, so a CSP can allow its hash.
 */
import { MOTION_FLAG } from "./preferences";
import { MEMBER_FLAG } from "./session";
import { RAIL, SIDEBAR_FLAG } from "./sidebar";
import { DARK_QUERY, THEME_FLAG } from "./theme";

export const BOOT_SCRIPT = `(() => {
  const root = document.documentElement;
  let theme = null;
  try {
    theme = localStorage.getItem("${THEME_FLAG}");
    if (localStorage.getItem("${MEMBER_FLAG}")) root.dataset.boot = "member";
    const motion = localStorage.getItem("${MOTION_FLAG}");
    if (localStorage.getItem("${SIDEBAR_FLAG}") === "${RAIL}") root.dataset.sidebar = "${RAIL}";
    if (motion === "reduced" || motion === "full") root.dataset.motion = motion;
  } catch {}
  const isDark = theme === "dark" || (theme !== "light" && matchMedia("${DARK_QUERY}").matches);
  root.dataset.theme = isDark ? "dark" : "light";
})();`;
