/** Search over titles and messages. What was found is marked in segments, never in markup. */
import type { ApiClient } from "./client";
import { type ConversationSummary, parseSummary } from "./conversations";
import { nextPagePath } from "./link-header";
import { asArray, asObject, optionalBoolean, readInteger, readString } from "@/lib/parse";

export interface Segment {
  readonly text: string;
  readonly isMatch: boolean;
}

export interface MessageMatch {
  readonly message: number;
  readonly snippet: readonly Segment[];
}

export interface FoundConversation extends ConversationSummary {
  readonly titleSegments: readonly Segment[];
  readonly matches: readonly MessageMatch[];
}

export interface FoundPage {
  readonly items: readonly FoundConversation[];
  readonly next: string | null;
}

export const QUERY_MAX_CHARS = 200;

export async function searchConversations(
  api: ApiClient,
  query: { readonly text: string; readonly isWithArchived: boolean },
  page: string | null,
  signal?: AbortSignal,
): Promise<FoundPage> {
  const archived = query.isWithArchived ? "all" : "false";
  const params = new URLSearchParams({ limit: "20", q: query.text, archived });
  const path = page ?? `/api/conversations?${params}`;
  const { body, headers } = await api.request("GET", path, { signal });
  return { items: asArray(body).map(parseFound), next: nextPagePath(headers) };
}

function parseFound(value: unknown): FoundConversation {
  const object = asObject(value);
  const summary = parseSummary(value);
  const marked = parseSegments(object.title_highlight ?? []);
  return {
    ...summary,
    titleSegments: marked.length > 0 ? marked : [{ text: summary.title, isMatch: false }],
    matches: asArray(object.matches ?? []).map(parseMatch),
  };
}

function parseMatch(value: unknown): MessageMatch {
  const object = asObject(value);
  return { message: readInteger(object, "message"), snippet: parseSegments(object.snippet) };
}

function parseSegments(value: unknown): readonly Segment[] {
  return asArray(value).map((segment) => {
    const object = asObject(segment);
    return { text: readString(object, "text"), isMatch: optionalBoolean(object, "is_match") };
  });
}
