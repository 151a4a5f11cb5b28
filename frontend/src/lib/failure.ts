/**
 * The one place where error codes become sentences for people. The page's first load does without
 * it: what is needed before anything has gone wrong is in `failure-shape.ts`.
 */
import { BAD_ANSWER, type Failure, NETWORK, SUSPENDED } from "./failure-shape";

export { BAD_ANSWER, type Failure, NETWORK, SUSPENDED };

const SENTENCES: Record<string, string> = {
  [NETWORK]: "EuGPT could not be reached. Check the connection and try again.",
  [BAD_ANSWER]: "The server sent something this page does not understand. Reload and try again.",
  queue_full: "Many people are chatting right now and the queue is full.",
  rate_limited: "That was a lot in a short time.",
  too_many_replies: "Your other answers come first. Try again when one of them is done.",
  cannot_continue: "This answer is complete and cannot be continued.",
  generation_running: "EuGPT is still answering in this conversation. Wait for it, or stop it first.",
  refused: "A safety rule holds this message back.",
  prompt_too_long: "This message is too long for the model's small memory. Try a shorter one.",
  model_unavailable: "No model is loaded at the moment.",
  not_found: "This is no longer here.",
  invalid_credentials: "The name or the password is wrong.",
  wrong_password: "This is not your password.",
  username_taken: "This name is taken. Try another one.",
  too_many_keys: "You have as many keys as one account can have. Revoke one first.",
  registration_closed: "This site takes no new accounts at the moment.",
  email_off: "This site sends no mail.",
  invalid_link: "This link does not work any more: it was used, is too old, or is not complete.",
  locked_out: "Too many wrong passwords. To keep the account safe, signing in has to wait.",
  quota_exceeded: "That was all for today.",
  not_authenticated: "This needs you to be signed in. Sign in again to go on.",
  foreign_origin: "The server does not accept requests from this page's address.",
  session_ended: "You have been signed out. Sign in again to go on.",
  too_many_tabs: "EuGPT is open in too many tabs. Close some, and this one goes on by itself.",
  too_many_requests: "This page asked too much at once. It goes on in a moment.",
  connection_refused: "The server does not accept connections from this page.",
  idle: "The connection rested for a while.",
  [SUSPENDED]: "This account is suspended.",
  unavailable: "EuGPT is being restarted or is out of reach. It should be back soon.",
  internal: "Something went wrong while writing this answer.",
};

/** Sending the same text again cannot help; the person has to change it. */
const NEEDS_EDIT = new Set(["refused", "prompt_too_long", "invalid", "bad_params"]);
const NO_RETRY = new Set(["suspended", "not_found"]);

export type Remedy = "retry" | "edit" | "none";

export function remedyOf(failure: Failure): Remedy {
  if (NO_RETRY.has(failure.code)) return "none";
  return NEEDS_EDIT.has(failure.code) ? "edit" : "retry";
}

export function describeFailure(failure: Failure): string {
  const notice = failure.data?.notice;
  if (failure.code === "refused" && typeof notice === "string") return notice;
  return SENTENCES[failure.code] ?? (failure.detail || "Something went wrong.");
}

/** A wait as people say it: "17 s", "3 min 20 s", "5 h 12 min". */
export function describeWait(seconds: number): string {
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? twoUnits(minutes, "min", seconds % 60, "s")
    : twoUnits(Math.floor(minutes / 60), "h", minutes % 60, "min");
}

function twoUnits(count: number, unit: string, rest: number, smaller: string): string {
  return `${count} ${unit}${rest > 0 ? ` ${rest} ${smaller}` : ""}`;
}
