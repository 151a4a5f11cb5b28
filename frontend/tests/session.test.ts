import { describe, expect, it, vi } from "vitest";
import { ApiClient } from "@/lib/api/client";
import { readFlag, writeFlag } from "@/lib/flags";
import { LEFT, MEMBER_FLAG, SessionKeeper } from "@/lib/session";
import { FakeApi, json } from "./fakes/fake-api";

const ANA = { id: 1, username: "ana", created_at: "2026-01-01T10:00:00Z" };

function keeperFor(api: FakeApi): SessionKeeper {
  return new SessionKeeper(new ApiClient({ origin: "http://api.test", fetch: api.fetch }));
}

describe("SessionKeeper", () => {
  it("spares somebody who never signed in the refresh", async () => {
    const api = new FakeApi();
    const session = keeperFor(api);
    await session.restore();
    expect(session.state.get().status).toBe("guest");
    expect(api.requests).toEqual([]);
  });

  it("picks the session up again after a reload", async () => {
    writeFlag(MEMBER_FLAG, "1");
    const api = new FakeApi()
      .on("POST /api/auth/refresh", () => json(200, { token: "t" }))
      .on("GET /api/auth/me", () => json(200, ANA));
    const session = keeperFor(api);
    await session.restore();
    expect(session.state.get()).toMatchObject({ status: "member", user: { username: "ana" } });
  });

  it("is a guest when the cookie is refused, and does not ask again", async () => {
    writeFlag(MEMBER_FLAG, "1");
    const api = new FakeApi().on("POST /api/auth/refresh", () =>
      json(401, { detail: "", code: "not_authenticated" }),
    );
    const session = keeperFor(api);
    await session.restore();
    expect(session.state.get().status).toBe("guest");
    expect(readFlag(MEMBER_FLAG)).toBeNull();
  });

  it("signs nobody out because the server restarts", async () => {
    vi.useFakeTimers();
    writeFlag(MEMBER_FLAG, "1");
    let isUp = false;
    const api = new FakeApi()
      .on("POST /api/auth/refresh", () => (isUp ? json(200, { token: "t" }) : json(503, {})))
      .on("GET /api/auth/me", () => json(200, ANA));
    const session = keeperFor(api);
    const restoring = session.restore();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(session.state.get().status).toBe("restoring");
    isUp = true;
    await vi.advanceTimersByTimeAsync(20_000);
    await restoring;
    expect(session.state.get().status).toBe("member");
  });

  it("keeps no token in storage", async () => {
    const api = new FakeApi().on("POST /api/auth/login", () =>
      json(200, { token: "secret-token", user: ANA }),
    );
    await keeperFor(api).login({ username: "ana", password: "correct horse" });
    expect(JSON.stringify({ ...localStorage })).not.toContain("secret-token");
    expect(JSON.stringify({ ...sessionStorage })).not.toContain("secret-token");
  });

  it("signs out together with another tab", async () => {
    const api = new FakeApi().on("POST /api/auth/login", () =>
      json(200, { token: "t", user: ANA }),
    );
    const session = keeperFor(api);
    const stop = session.followOtherTabs();
    await session.login({ username: "ana", password: "correct horse" });
    dispatchEvent(new StorageEvent("storage", { key: "something.else", newValue: null }));
    expect(session.state.get().status).toBe("member");
    dispatchEvent(new StorageEvent("storage", { key: MEMBER_FLAG, newValue: null }));
    expect(session.state.get().status).toBe("guest");
    stop();
  });

  it("lets other tabs tell signing out from a session that has ended", async () => {
    const api = new FakeApi().on("POST /api/auth/login", () =>
      json(200, { token: "t", user: ANA }),
    );
    const kept = new Map<string, string>();
    const removed: (string | undefined)[] = [];
    vi.stubGlobal("localStorage", {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
      removeItem: (key: string) => {
        removed.push(kept.get(key));
        kept.delete(key);
      },
    });
    const session = keeperFor(api);
    await session.login({ username: "ana", password: "correct horse" });
    session.lose({ code: "session_ended", detail: "", retryAfterS: null });
    await session.login({ username: "ana", password: "correct horse" });
    await session.logout().catch(() => undefined);
    expect(removed).toEqual(["1", LEFT]);
  });

  it("signs out here even if the server cannot be told", async () => {
    const api = new FakeApi()
      .on("POST /api/auth/login", () => json(200, { token: "t", user: ANA }))
      .on("POST /api/auth/logout", () => json(503, {}));
    const session = keeperFor(api);
    await session.login({ username: "ana", password: "correct horse" });
    await session.logout().catch(() => undefined);
    expect(session.state.get().status).toBe("guest");
  });

  it("asks for no new token once it signs out: its socket ends before the answer comes", async () => {
    let isSignedIn = true;
    const api = new FakeApi()
      .on("POST /api/auth/login", () => json(200, { token: "t", user: ANA }))
      .on("POST /api/auth/logout", () => {
        isSignedIn = client.isSignedIn;
        return json(204, null);
      });
    const client = new ApiClient({ origin: "http://api.test", fetch: api.fetch });
    const session = new SessionKeeper(client);
    await session.login({ username: "ana", password: "correct horse" });
    expect(client.isSignedIn).toBe(true);
    await session.logout();
    expect(isSignedIn).toBe(false);
  });
});
