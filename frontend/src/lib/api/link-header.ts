/** The target of `rel="next"` in a Link header (RFC 8288), or null when there is no further page. */
export function nextLink(header: string | null): string | null {
  for (const [, target, params] of (header ?? "").matchAll(/<([^>]*)>([^<]*)/g)) {
    if (/;\s*rel="?next"?/i.test(params ?? "")) return target ?? null;
  }
  return null;
}
