/** An account's e-mail address, and what the links in its mails do. */
import { parseUser, type User } from "./auth";
import type { ApiClient } from "./client";
import { asObject, optionalBoolean, readString } from "@/lib/parse";

/** What this server offers to strangers. */
export interface AuthOptions {
  /** New accounts can be made. */
  readonly hasRegistration: boolean;
  /** It sends mail. */
  readonly hasEmail: boolean;
}

export const EMAIL_MAX_CHARS = 254;

export async function authOptions(api: ApiClient, signal?: AbortSignal): Promise<AuthOptions> {
  const { body } = await api.request("GET", "/api/auth/options", { signal });
  const object = asObject(body);
  return {
    hasRegistration: optionalBoolean(object, "registration"),
    hasEmail: optionalBoolean(object, "email"),
  };
}

/** The account as it is now: a link may have been followed elsewhere. */
export async function readMe(api: ApiClient, signal?: AbortSignal): Promise<User> {
  const { body } = await api.request("GET", "/api/auth/me", { signal });
  return parseUser(body);
}

/** Sends a link to the address; it counts once the link has been followed. */
export async function setEmail(api: ApiClient, email: string, password: string): Promise<void> {
  await api.request("PUT", "/api/auth/email", { body: { email, password } });
}

export async function removeEmail(api: ApiClient, password: string): Promise<void> {
  await api.request("DELETE", "/api/auth/email", { body: { password } });
}

/** Returns the address. Needs no account: the link may be opened on another device. */
export async function verifyEmail(api: ApiClient, token: string): Promise<string> {
  const { body } = await api.request("POST", "/api/auth/email/verify", { body: { token } });
  return readString(asObject(body), "email");
}

/** The answer is the same whether an account has this address or not. */
export async function forgotPassword(api: ApiClient, email: string): Promise<void> {
  await api.request("POST", "/api/auth/password/forgot", { body: { email } });
}

/** Ends all sessions of the account. */
export async function resetPassword(api: ApiClient, token: string, after: string): Promise<void> {
  const body = { token, new_password: after };
  await api.request("POST", "/api/auth/password/reset", { body });
}
