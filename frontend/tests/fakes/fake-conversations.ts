import { json } from "./fake-api";

export interface FakeRow {
  readonly id: number;
  title: string;
  updated_at: string;
  pinned: boolean;
  archived: boolean;
  /** Messages by id, for the search. */
  readonly messages: Readonly<Record<number, string>>;
}

export interface SeenRequest {
  readonly call: string;
  readonly body: unknown;
  readonly isKeptAlive: boolean;
  readonly signal: AbortSignal | null;
}

type Interception = (request: SeenRequest) => Response | Promise<Response> | undefined;

/** Plays the server's routes of conversations, from memory: paging, search, changes, deletion. */
export class FakeConversations {
  readonly rows: FakeRow[] = [];
  readonly requests: SeenRequest[] = [];
  readonly shares: { slug: string; created_at: string; expires_at: string | null }[] = [];
  /** Looked at first; undefined lets the request through. */
  intercept: Interception = () => undefined;
  /** Instead of the limit that was asked for. */
  pageSize: number | null = null;

  add(...rows: readonly (Partial<FakeRow> & { id: number })[]): this {
    for (const row of rows) {
      const updated_at = new Date(Date.now() - row.id * 60_000).toISOString();
      const rest = { title: `Title ${row.id}`, pinned: false, archived: false, messages: {} };
      this.rows.push({ updated_at, ...rest, ...row });
    }
    return this;
  }

  get calls(): readonly string[] {
    return this.requests.map(({ call }) => call);
  }

  /** Calls that change something. */
  get writes(): readonly string[] {
    return this.calls.filter((call) => !call.startsWith("GET "));
  }

  readonly fetch: typeof fetch = async (input, init) => {
    const url = new URL(String(input));
    const body = typeof init?.body === "string" ? (JSON.parse(init.body) as object) : null;
    const call = `${init?.method ?? "GET"} ${url.pathname}${url.search}`;
    const signal = init?.signal ?? null;
    const request = { call, body, isKeptAlive: init?.keepalive ?? false, signal };
    this.requests.push(request);
    return (await this.intercept(request)) ?? this.answer(call, url, body);
  };

  private answer(call: string, url: URL, body: object | null): Response {
    const [, kind] = /^\w+ \/api\/conversations(\/\w+)?/.exec(call) ?? [];
    if (kind === "/bulk") return this.bulk(body as { ids: number[]; action: string });
    if (kind === "/import") return this.imported(body as { conversation: { title: string } });
    if (kind === undefined && call.startsWith("GET ")) return this.list(url.searchParams);
    return this.one(call, Number(kind?.slice(1)), url, body);
  }

  private list(query: URLSearchParams): Response {
    const archived = query.get("archived") ?? "false";
    const words = (query.get("q") ?? "").toLowerCase();
    const from = Number(query.get("cursor") ?? 0);
    const to = from + (this.pageSize ?? Number(query.get("limit")));
    const all = this.rows
      .filter((row) => archived === "all" || String(row.archived) === archived)
      .filter((row) => textOf(row).includes(words))
      .sort((a, b) => Number(b.pinned) - Number(a.pinned) || (a.updated_at < b.updated_at ? 1 : -1));
    query.set("cursor", String(to));
    const link = { Link: `</api/conversations?${query}>; rel="next"` };
    const page = all.slice(from, to).map((row) => ({ ...shape(row), ...(words ? found(row, words) : {}) }));
    return json(200, page, to < all.length ? link : {});
  }

  private one(call: string, id: number, url: URL, body: object | null): Response {
    const row = this.rows.find((candidate) => candidate.id === id);
    if (row === undefined) return json(404, { detail: "Not found.", code: "not_found" });
    if (url.pathname.includes("/share")) return this.share(call, url, body);
    if (call.startsWith("GET ") && url.pathname.endsWith("/export")) {
      const name = `${row.title}.${url.searchParams.get("format")}`;
      const headers = { "Content-Disposition": `attachment; filename="${name}"` };
      return new Response(`{"format":"eugpt.conversation",\n"id":${id}}\n`, { headers });
    }
    if (call.startsWith("DELETE ")) this.remove([id]);
    if (call.startsWith("DELETE ")) return json(204, null);
    Object.assign(row, body);
    return json(200, shape(row));
  }

  private share(call: string, url: URL, body: object | null): Response {
    const slug = url.pathname.split("/").at(5);
    if (call.startsWith("GET ")) return json(200, this.shares);
    if (call.startsWith("DELETE ")) {
      const kept = slug === undefined ? [] : this.shares.filter((share) => share.slug !== slug);
      this.shares.splice(0, this.shares.length, ...kept);
      return json(204, null);
    }
    const days = (body as { expires_in_days: number | null }).expires_in_days;
    const expires_at = days === null ? null : new Date(Date.now() + days * 86_400_000).toISOString();
    const share = { slug: `slug${this.shares.length + 1}`, created_at: new Date().toISOString(), expires_at };
    this.shares.unshift(share);
    return json(201, share);
  }

  private bulk({ ids, action }: { ids: number[]; action: string }): Response {
    if (action === "delete") this.remove(ids);
    for (const row of this.rows.filter(({ id }) => ids.includes(id))) {
      if (action === "archive" || action === "unarchive") row.archived = action === "archive";
      if (action === "pin" || action === "unpin") row.pinned = action === "pin";
    }
    return json(200, { changed: ids.length, not_found: 0 });
  }

  private imported({ conversation }: { conversation: { title: string } }): Response {
    const id = 1000 + this.rows.length;
    this.add({ id, title: conversation.title });
    return json(201, shape(this.rows.at(-1) as FakeRow));
  }

  private remove(ids: readonly number[]): void {
    const kept = this.rows.filter(({ id }) => !ids.includes(id));
    this.rows.splice(0, this.rows.length, ...kept);
  }
}

function textOf(row: FakeRow): string {
  return [row.title, ...Object.values(row.messages)].join("\n").toLowerCase();
}

function shape({ id, title, updated_at, pinned, archived }: FakeRow): object {
  return { id, title, created_at: updated_at, updated_at, pinned, archived };
}

function found(row: FakeRow, words: string): object {
  const matches = Object.entries(row.messages)
    .filter(([, text]) => text.toLowerCase().includes(words))
    .map(([id, text]) => ({ message: Number(id), snippet: marked(text, words) }));
  return { title_highlight: marked(row.title, words), matches };
}

function marked(text: string, words: string): object[] {
  const at = text.toLowerCase().indexOf(words);
  if (at < 0) return [{ text, is_match: false }];
  const end = at + words.length;
  return [
    { text: text.slice(0, at), is_match: false },
    { text: text.slice(at, end), is_match: true },
    { text: text.slice(end), is_match: false },
  ].filter((segment) => segment.text !== "");
}
