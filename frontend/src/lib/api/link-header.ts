/** The target of `rel="next"` in a Link header (RFC 8288), or null when there is no further page. */
export function nextLink(header: string | null): string | null {
  for (const [, target, params] of (header ?? "").matchAll(/<([^>]*)>([^<]*)/g)) {
    if (/;\s*rel="?next"?/i.test(params ?? "")) return target ?? null;
  }
  return null;
}

/** The API may name itself by another host (behind a proxy); only path and query are ours to use. */
export function nextPagePath(headers: Headers): string | null {
  const link = nextLink(headers.get("Link"));
  if (link === null) return null;
  const url = new URL(link, "http://api.invalid");
  return url.pathname + url.search;
}
