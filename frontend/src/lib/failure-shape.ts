/** One shape for everything that can go wrong, whichever transport told us. */
import type { JsonObject } from "./parse";

export interface Failure {
  readonly code: string;
  readonly detail: string;
  readonly retryAfterS: number | null;
  /** The server's whole answer, for what one code alone has: `reason`, `until`, `limit`. */
  readonly data?: JsonObject;
}

/** Codes this client makes itself; all others come from the server. */
export const NETWORK = "network";
export const BAD_ANSWER = "bad_answer";
/** The one code that takes the whole page. */
export const SUSPENDED = "suspended";
