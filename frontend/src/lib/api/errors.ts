import { BAD_ANSWER, type Failure, NETWORK } from "@/lib/failure-shape";
import { asObject, type JsonObject, optionalNumber, optionalString } from "@/lib/parse";

/** An answer of the API that is not a success, or no answer at all (`status` 0). */
export class ApiError extends Error implements Failure {
  override name = "ApiError";

  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly fields: Readonly<Record<string, readonly string[]>> = {},
    readonly retryAfterS: number | null = null,
    readonly data: JsonObject = {},
  ) {
    super(`${code}: ${detail}`);
  }
}

/** Reads the API's error body; a proxy's HTML page or an empty body still gives a usable error. */
export async function errorFromResponse(response: Response): Promise<ApiError> {
  const body = await readBody(response);
  const headerWait = Number.parseFloat(response.headers.get("Retry-After") ?? "");
  const code = optionalString(body, "code") ?? codeFromStatus(response.status);
  return new ApiError(
    response.status,
    code,
    optionalString(body, "detail") ?? `The server answered with status ${response.status}.`,
    readFields(body.fields),
    optionalNumber(body, "retry_after") ?? (Number.isNaN(headerWait) ? null : headerWait),
    body,
  );
}

export function networkError(): ApiError {
  return new ApiError(0, NETWORK, "No answer from the server.");
}

export function toFailure(error: unknown): Failure {
  if (error instanceof ApiError) return error;
  return { code: BAD_ANSWER, detail: "Unexpected answer.", retryAfterS: null };
}

async function readBody(response: Response): Promise<JsonObject> {
  try {
    return asObject(await response.json());
  } catch {
    return {};
  }
}

function readFields(value: unknown): Record<string, string[]> {
  if (typeof value !== "object" || value === null) return {};
  const fields: Record<string, string[]> = {};
  for (const [name, messages] of Object.entries(value)) {
    const list: unknown[] = Array.isArray(messages) ? messages : [messages];
    fields[name] = list.filter((message) => typeof message === "string");
  }
  return fields;
}

function codeFromStatus(status: number): string {
  if (status === 429) return "rate_limited";
  return status >= 500 ? "unavailable" : "unknown";
}
