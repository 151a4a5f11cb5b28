/** Where somebody goes after signing in: back to the page that asked for it, and only to our own. */

const OWN_PAGES = new Set(["/", "/settings/", "/shared/"]);

/** The `next` of an address as a path of this site, or null if it is missing or leads elsewhere. */
export function nextPath(search: string): string | null {
  const next = new URLSearchParams(search).get("next");
  if (!next?.startsWith("/")) return null;
  try {
    const url = new URL(next, location.origin);
    const isOurs = url.origin === location.origin && OWN_PAGES.has(url.pathname);
    return isOurs ? url.pathname + url.search : null;
  } catch {
    return null;
  }
}

/** The sign-in page, which comes back to `path` afterwards. */
export function signInHref(path: string, page: "login" | "register" = "login"): string {
  return `/${page}/?next=${encodeURIComponent(path)}`;
}
