import { describe, expect, it } from "vitest";
import { ApiClient, fileName } from "@/lib/api/client";
import { FakeApi, json } from "../fakes/fake-api";

function clientFor(api: FakeApi): ApiClient {
  const client = new ApiClient({ origin: "http://api.test", fetch: api.fetch });
  client.setToken("t");
  return client;
}

describe("download", () => {
  it("gives the file and the server's name for it, with the token", async () => {
    const headers = { "Content-Disposition": `attachment; filename="Dogs.md"` };
    const api = new FakeApi().on("GET /api/x", () => new Response("# Dogs", { headers }));
    const file = await clientFor(api).download("/api/x");
    expect(file.name).toBe("Dogs.md");
    expect(await file.blob.text()).toBe("# Dogs");
    expect(api.requests[0]?.authorization).toBe("Bearer t");
  });

  it("refreshes an expired token first", async () => {
    const expired = () => json(401, { detail: "", code: "not_authenticated" });
    const api = new FakeApi()
      .on("GET /api/x", (request) =>
        request.authorization === "Bearer new" ? new Response("text") : expired(),
      )
      .on("POST /api/auth/refresh", () => json(200, { token: "new" }));
    expect(await (await clientFor(api).download("/api/x")).blob.text()).toBe("text");
  });

  it("fails with the server's error", async () => {
    await expect(clientFor(new FakeApi()).download("/api/x")).rejects.toMatchObject({
      code: "not_found",
    });
  });
});

describe("fileName", () => {
  it.each([
    [`attachment; filename="Dogs.json"`, "Dogs.json"],
    [`attachment; filename*=UTF-8''H%C3%B6hle%20%E7%8A%AC.txt`, "Höhle 犬.txt"],
    [`attachment; filename="a.txt"; filename*=UTF-8''%zz`, "a.txt"],
    [`attachment; filename="say \\"hi\\".md"`, `say "hi".md`],
    ["attachment", null],
    [null, null],
  ])("reads %s", (header, name) => {
    expect(fileName(header)).toBe(name);
  });
});
