import { describe, expect, it, vi } from "vitest";
import { ApiClient } from "@/lib/api/client";
import { ApiError } from "@/lib/api/errors";
import { FakeApi, json } from "../fakes/fake-api";

function createClient(api: FakeApi, onSessionLost = () => {}): ApiClient {
  return new ApiClient({ origin: "http://api.test", fetch: api.fetch, onSessionLost });
}

async function errorOf(promise: Promise<unknown>): Promise<ApiError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ApiError)) throw new Error("expected an ApiError");
  return error;
}

const EXPIRED = { detail: "Sign in to continue.", code: "not_authenticated" };

describe("errors", () => {
  it("carries code, detail, fields and the wait", async () => {
    const api = new FakeApi().on("POST /api/x", () =>
      json(429, { detail: "Slow down.", code: "rate_limited", retry_after: 7 }),
    );
    const error = await errorOf(createClient(api).request("POST", "/api/x", { body: {} }));
    expect(error).toMatchObject({ status: 429, code: "rate_limited", retryAfterS: 7 });
  });

  it("reads the messages of fields", async () => {
    const fields = { username: ["Too short."] };
    const api = new FakeApi().on("POST /api/x", () =>
      json(400, { detail: "username: Too short.", code: "invalid", fields }),
    );
    const error = await errorOf(createClient(api).request("POST", "/api/x"));
    expect(error.fields).toEqual(fields);
  });

  it("makes sense of a proxy's page", async () => {
    const api = new FakeApi().on(
      "GET /api/x",
      () => new Response("<h1>Bad gateway</h1>", { status: 502, headers: { "Retry-After": "5" } }),
    );
    const error = await errorOf(createClient(api).request("GET", "/api/x"));
    expect(error).toMatchObject({ status: 502, code: "unavailable", retryAfterS: 5 });
  });

  it("says when nothing was reached", async () => {
    const client = new ApiClient({
      origin: "http://api.test",
      fetch: () => Promise.reject(new TypeError("failed to fetch")),
    });
    expect(await errorOf(client.request("GET", "/api/x"))).toMatchObject({
      status: 0,
      code: "network",
    });
  });

  it("does not take a success that is no JSON for one", async () => {
    const api = new FakeApi().on("GET /api/x", () => new Response("hello"));
    expect(await errorOf(createClient(api).request("GET", "/api/x"))).toMatchObject({
      code: "bad_answer",
    });
  });
});

describe("the access token", () => {
  it("is refreshed after a 401 and the request repeated once", async () => {
    const api = new FakeApi()
      .on("GET /api/me", ({ authorization }) =>
        authorization === "Bearer new" ? json(200, { ok: true }) : json(401, EXPIRED),
      )
      .on("POST /api/auth/refresh", () => json(200, { token: "new" }));
    const client = createClient(api);
    client.setToken("old");
    expect((await client.request("GET", "/api/me")).body).toEqual({ ok: true });
    expect(api.count("GET /api/me")).toBe(2);
    expect(api.requests.find(({ path }) => path.endsWith("refresh"))?.authorization).toBeNull();
  });

  it("does not come back after a sign-out that was quicker than its refresh", async () => {
    let answer: (response: Response) => void = () => undefined;
    const api = new FakeApi()
      .on("GET /api/me", () => json(401, EXPIRED))
      .on("POST /api/auth/refresh", () => new Promise((resolve) => (answer = resolve)));
    const client = createClient(api);
    client.setToken("old");
    const error = errorOf(client.request("GET", "/api/me"));
    await vi.waitFor(() => expect(api.count("POST /api/auth/refresh")).toBe(1));
    client.setToken(null);
    answer(json(200, { token: "new" }));
    expect((await error).status).toBe(401);
    expect(client.isSignedIn).toBe(false);
    expect(api.requests.at(-1)?.authorization).toBeNull();
  });

  it("is refreshed once for requests that fail together", async () => {
    const api = new FakeApi()
      .on("GET /api/me", ({ authorization }) =>
        authorization === "Bearer new" ? json(200, {}) : json(401, EXPIRED),
      )
      .on("POST /api/auth/refresh", () => json(200, { token: "new" }));
    const client = createClient(api);
    client.setToken("old");
    await Promise.all([1, 2, 3].map(() => client.request("GET", "/api/me")));
    expect(api.count("POST /api/auth/refresh")).toBe(1);
  });

  it("is dropped when the session is over", async () => {
    const onSessionLost = vi.fn();
    const api = new FakeApi()
      .on("GET /api/me", () => json(401, EXPIRED))
      .on("POST /api/auth/refresh", () => json(401, EXPIRED));
    const client = createClient(api, onSessionLost);
    client.setToken("old");
    expect(await errorOf(client.request("GET", "/api/me"))).toMatchObject({ status: 401 });
    expect(client.isSignedIn).toBe(false);
    expect(onSessionLost).toHaveBeenCalledOnce();
  });

  it("is kept when the refresh only failed for the moment", async () => {
    const onSessionLost = vi.fn();
    const api = new FakeApi()
      .on("GET /api/me", () => json(401, EXPIRED))
      .on("POST /api/auth/refresh", () => json(503, { detail: "", code: "unavailable" }));
    const client = createClient(api, onSessionLost);
    client.setToken("old");
    expect(await errorOf(client.request("GET", "/api/me"))).toMatchObject({ status: 503 });
    expect(client.isSignedIn).toBe(true);
    expect(onSessionLost).not.toHaveBeenCalled();
  });

  it("is not asked for by a guest's 401", async () => {
    const api = new FakeApi().on("POST /api/auth/login", () =>
      json(401, { detail: "Wrong.", code: "invalid_credentials" }),
    );
    const error = await errorOf(createClient(api).request("POST", "/api/auth/login"));
    expect(error.code).toBe("invalid_credentials");
    expect(api.count("POST /api/auth/refresh")).toBe(0);
  });
});
