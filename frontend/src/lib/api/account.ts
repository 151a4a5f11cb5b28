/** The signed-in person's own account: name, settings, sessions, data and its end. */
import { parseUser, type User } from "./auth";
import type { ApiClient, Download } from "./client";
import type { SamplingParams } from "@/lib/chat/params";
import { asArray, asObject, optionalBoolean, readString } from "@/lib/parse";

export interface DeviceSession {
  readonly id: string;
  readonly createdAt: string;
  readonly lastSeenAt: string;
  /** "Firefox on Windows". */
  readonly device: string;
  readonly isCurrent: boolean;
}

export async function changeName(api: ApiClient, username: string): Promise<User> {
  return changeUser(api, { username });
}

/** Replaces all of them; what is left out has the model's default. */
export async function saveSampling(api: ApiClient, sampling: SamplingParams): Promise<User> {
  return changeUser(api, { settings: { sampling } });
}

/** Whether ratings and comments may become training data. */
export async function saveMayTrain(api: ApiClient, mayTrain: boolean): Promise<User> {
  return changeUser(api, { may_train: mayTrain });
}

async function changeUser(api: ApiClient, changes: object): Promise<User> {
  const { body } = await api.request("PATCH", "/api/auth/me", { body: changes });
  return parseUser(body);
}

export async function listSessions(
  api: ApiClient,
  signal?: AbortSignal,
): Promise<readonly DeviceSession[]> {
  const { body } = await api.request("GET", "/api/auth/sessions", { signal });
  return asArray(body).map(parseSession);
}

export async function endSession(api: ApiClient, id: string): Promise<void> {
  await api.request("DELETE", `/api/auth/sessions/${id}`);
}

export function exportAccount(api: ApiClient): Promise<Download> {
  return api.download("/api/auth/me/export");
}

export async function deleteAllConversations(api: ApiClient): Promise<void> {
  await api.request("POST", "/api/conversations/bulk", { body: { all: true, action: "delete" } });
}

/** Runs in `api.exclusively`: its tokens end. */
export async function deleteAccount(api: ApiClient, password: string): Promise<void> {
  await api.request("DELETE", "/api/auth/me", { body: { password }, isNotRefreshed: true });
}

function parseSession(value: unknown): DeviceSession {
  const object = asObject(value);
  return {
    id: readString(object, "id"),
    createdAt: readString(object, "created_at"),
    lastSeenAt: readString(object, "last_seen_at"),
    device: readString(object, "device"),
    isCurrent: optionalBoolean(object, "is_current"),
  };
}
