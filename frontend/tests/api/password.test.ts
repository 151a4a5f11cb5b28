import { expect, it, vi } from "vitest";
import { changePassword } from "@/lib/api/auth";
import { ApiClient, type Exclusive } from "@/lib/api/client";
import { FakeApi, json } from "../fakes/fake-api";

const ANA = { id: 1, username: "ana", created_at: "2026-11-22T12:00:00Z" };

/** What `navigator.locks` does for all tabs. */
function oneAtATime(): Exclusive {
  let line: Promise<unknown> = Promise.resolve();
  return (task) => {
    const turn = line.then(task);
    line = turn.catch(() => undefined);
    return turn;
  };
}

it("no refresh uses the old cookie while the password changes", async () => {
  let answer: (response: Response) => void = () => undefined;
  const api = new FakeApi()
    .on("POST /api/auth/refresh", () => json(200, { token: "old" }))
    .on(
      "POST /api/auth/password",
      () => new Promise<Response>((resolve) => (answer = resolve)),
    );
  const exclusive = oneAtATime();
  const origin = "http://api.test";
  const client = new ApiClient({ origin, fetch: api.fetch, exclusive });
  const otherTab = new ApiClient({ origin, fetch: api.fetch, exclusive });
  const changing = changePassword(client, "before", "after");
  await vi.waitFor(() => expect(api.count("POST /api/auth/password")).toBe(1));
  // Their sockets have been closed by the server, and both want to come back.
  const refreshing = Promise.all([client.refresh(), otherTab.refresh()]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(api.count("POST /api/auth/refresh")).toBe(1);
  answer(json(200, { token: "new", user: ANA }));
  await changing;
  await refreshing;
  expect(api.count("POST /api/auth/refresh")).toBe(3);
});

it("a session that ended meanwhile does not wait for itself", async () => {
  const over = (): Response => json(401, { detail: "", code: "not_authenticated" });
  const api = new FakeApi()
    .on("POST /api/auth/refresh", () => json(200, { token: "old" }))
    .on("POST /api/auth/password", over);
  const client = new ApiClient({
    origin: "http://api.test",
    fetch: api.fetch,
    exclusive: oneAtATime(),
  });
  await expect(changePassword(client, "before", "after")).rejects.toMatchObject({ status: 401 });
});
