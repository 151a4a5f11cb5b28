/**
 * Where the API lives; empty means the origin that served the page. An exported page says it itself
 * (`scripts/deployment.mjs`), so that one export works everywhere; `next dev` reads the environment.
 */
export const API_ORIGIN = originOfPage() ?? withoutSlash(process.env.NEXT_PUBLIC_API_ORIGIN ?? "");

export function socketUrl(apiOrigin: string, pageOrigin: string, ticket: string | null): string {
  const url = new URL("/ws/chat/", apiOrigin || pageOrigin);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  if (ticket !== null) url.searchParams.set("ticket", ticket);
  return url.toString();
}

function originOfPage(): string | null {
  if (typeof document === "undefined") return null;
  return document.querySelector<HTMLMetaElement>('meta[name="eugpt-api"]')?.content ?? null;
}

function withoutSlash(origin: string): string {
  return origin.replace(/\/+$/, "");
}
