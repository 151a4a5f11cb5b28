import type { ApiClient, RequestOptions } from "./client";
import { type SamplingParams, parseParams } from "@/lib/chat/params";
import { asObject, optionalBoolean, optionalString, readInteger, readString } from "@/lib/parse";

export interface User {
  readonly id: number;
  readonly username: string;
  readonly createdAt: string | null;
  /** The defaults of answers; only those that were set. */
  readonly sampling: SamplingParams;
  /** Confirmed by its owner. */
  readonly email: string | null;
  /** Waits for its owner's word. */
  readonly pendingEmail: string | null;
  readonly isStaff: boolean;
  /** Ratings and comments may become training data. */
  readonly mayTrain: boolean;
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export function parseUser(value: unknown): User {
  const object = asObject(value);
  return {
    id: readInteger(object, "id"),
    username: readString(object, "username"),
    createdAt: optionalString(object, "created_at"),
    sampling: parseParams(asObject(object.settings ?? {}).sampling),
    email: optionalString(object, "email"),
    pendingEmail: optionalString(object, "pending_email"),
    isStaff: object.role === "staff",
    mayTrain: optionalBoolean(object, "may_train"),
  };
}

export function register(api: ApiClient, credentials: Credentials): Promise<User> {
  api.setToken(null);
  return enter(api, "/api/auth/register", onlyCredentials(credentials));
}

export function login(api: ApiClient, credentials: Credentials): Promise<User> {
  api.setToken(null);
  return enter(api, "/api/auth/login", onlyCredentials(credentials));
}

/** All other sessions end, and this one goes on with a new token. */
export function changePassword(api: ApiClient, before: string, after: string): Promise<User> {
  const request = { old_password: before, new_password: after };
  return api.exclusively(() => enter(api, "/api/auth/password", request, { isNotRefreshed: true }));
}

/** Picks the session up again from the refresh cookie, after a reload for instance. */
export async function restore(api: ApiClient): Promise<User> {
  await api.refresh();
  const { body } = await api.request("GET", "/api/auth/me");
  return parseUser(body);
}

/**
 * Ends the session on the server, which knows it by its cookie. The token is dropped first: the
 * socket may end before the answer comes, and nothing shall ask for a new token then.
 */
export async function logout(api: ApiClient): Promise<void> {
  api.setToken(null);
  await api.request("POST", "/api/auth/logout");
}

/** A single-use ticket for opening the WebSocket, which cannot carry an Authorization header. */
export async function socketTicket(api: ApiClient): Promise<string> {
  const { body } = await api.request("POST", "/api/auth/ws-ticket");
  return readString(asObject(body), "ticket");
}

/** The server refuses fields that it does not know. */
function onlyCredentials({ username, password }: Credentials): Credentials {
  return { username, password };
}

async function enter(
  api: ApiClient,
  path: string,
  request: object,
  options: RequestOptions = {},
): Promise<User> {
  const { body } = await api.request("POST", path, { ...options, body: request });
  const object = asObject(body);
  const user = parseUser(object.user);
  api.setToken(readString(object, "token"));
  return user;
}
