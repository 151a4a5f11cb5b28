export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly authorization: string | null;
}

type Route = (request: FakeRequest) => Response | Promise<Response>;

/** Stands in for `fetch`: answers by "METHOD /path", and remembers what was asked. */
export class FakeApi {
  readonly requests: FakeRequest[] = [];
  private readonly routes = new Map<string, Route>();

  on(route: string, answer: Route): this {
    this.routes.set(route, answer);
    return this;
  }

  count(route: string): number {
    return this.requests.filter(({ method, path }) => `${method} ${path}` === route).length;
  }

  readonly fetch: typeof fetch = async (input, init) => {
    const url = new URL(String(input));
    const request: FakeRequest = {
      method: init?.method ?? "GET",
      path: url.pathname + url.search,
      body: typeof init?.body === "string" ? JSON.parse(init.body) : null,
      authorization: new Headers(init?.headers).get("Authorization"),
    };
    this.requests.push(request);
    const route = this.routes.get(`${request.method} ${request.path}`);
    return route ? route(request) : json(404, { detail: "Not found.", code: "not_found" });
  };
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(body === null ? null : JSON.stringify(body), { status, headers });
}
