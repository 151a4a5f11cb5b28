/** The recorded tokens of a stored answer, with what else the model could have said. */
import type { ApiClient } from "./client";
import { parseTokenTrace, type TokenTrace } from "@/lib/chat/events";
import { asArray, asObject } from "@/lib/parse";

export async function fetchTrace(
  api: ApiClient,
  message: number,
  signal?: AbortSignal,
): Promise<readonly TokenTrace[]> {
  const { body } = await api.request("GET", `/api/messages/${message}/trace`, { signal });
  return asArray(asObject(body).tokens).map(parseTokenTrace);
}
