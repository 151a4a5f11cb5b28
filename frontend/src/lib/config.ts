/** Where the API lives. Set at build time; empty means the origin that served the page. */
export const API_ORIGIN = (process.env.NEXT_PUBLIC_API_ORIGIN ?? "").replace(/\/+$/, "");

export function socketUrl(apiOrigin: string, pageOrigin: string, ticket: string | null): string {
  const url = new URL("/ws/chat/", apiOrigin || pageOrigin);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  if (ticket !== null) url.searchParams.set("ticket", ticket);
  return url.toString();
}
