/** The secret in a mail's link: it stands in the fragment, which browsers send to nobody. */

/** Takes it out of the address, so that it is in no history, bookmark or screenshot; null without. */
export function takeLinkToken(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token === null) return null;
  history.replaceState(history.state, "", location.pathname + location.search);
  return token;
}
