import type { ApiClient } from "./client";
import { asObject, readInteger, readString } from "@/lib/parse";

export interface User {
  readonly id: number;
  readonly username: string;
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export function parseUser(value: unknown): User {
  const object = asObject(value);
  return { id: readInteger(object, "id"), username: readString(object, "username") };
}

export function register(api: ApiClient, credentials: Credentials): Promise<User> {
  return enter(api, "/api/auth/register", credentials);
}

export function login(api: ApiClient, credentials: Credentials): Promise<User> {
  return enter(api, "/api/auth/login", credentials);
}

/** Picks the session up again from the refresh cookie, after a reload for instance. */
export async function restore(api: ApiClient): Promise<User> {
  await api.refresh();
  const { body } = await api.request("GET", "/api/auth/me");
  return parseUser(body);
}

/** Ends the session on the server; the token is dropped here even if the server is out of reach. */
export async function logout(api: ApiClient): Promise<void> {
  try {
    await api.request("POST", "/api/auth/logout");
  } finally {
    api.setToken(null);
  }
}

/** A single-use ticket for opening the WebSocket, which cannot carry an Authorization header. */
export async function socketTicket(api: ApiClient): Promise<string> {
  const { body } = await api.request("POST", "/api/auth/ws-ticket");
  return readString(asObject(body), "ticket");
}

async function enter(api: ApiClient, path: string, credentials: Credentials): Promise<User> {
  api.setToken(null);
  const { body } = await api.request("POST", path, { body: credentials });
  const object = asObject(body);
  const user = parseUser(object.user);
  api.setToken(readString(object, "token"));
  return user;
}
