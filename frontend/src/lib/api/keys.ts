/** Keys for programs that use /v1. */
import type { ApiClient } from "./client";
import { asArray, asObject, optionalString, readInteger, readString } from "@/lib/parse";

export interface ApiKey {
  readonly id: number;
  readonly name: string;
  /** How the key begins; the rest is known to nobody. */
  readonly prefix: string;
  readonly createdAt: string;
  readonly lastUsedAt: string | null;
  readonly expiresAt: string | null;
}

export interface NewApiKey {
  readonly key: ApiKey;
  /** The whole key; it is never told again. */
  readonly secret: string;
}

export async function listKeys(api: ApiClient, signal?: AbortSignal): Promise<readonly ApiKey[]> {
  const { body } = await api.request("GET", "/api/keys", { signal });
  return asArray(body).map(parseKey);
}

export async function createKey(
  api: ApiClient,
  name: string,
  expiresAt: string | null,
): Promise<NewApiKey> {
  const { body } = await api.request("POST", "/api/keys", {
    body: { name, expires_at: expiresAt },
  });
  return { key: parseKey(body), secret: readString(asObject(body), "key") };
}

export async function revokeKey(api: ApiClient, id: number): Promise<void> {
  await api.request("DELETE", `/api/keys/${id}`);
}

function parseKey(value: unknown): ApiKey {
  const object = asObject(value);
  return {
    id: readInteger(object, "id"),
    name: readString(object, "name"),
    prefix: readString(object, "prefix"),
    createdAt: readString(object, "created_at"),
    lastUsedAt: optionalString(object, "last_used_at"),
    expiresAt: optionalString(object, "expires_at"),
  };
}
