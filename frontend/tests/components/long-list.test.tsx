import { screen } from "@testing-library/react";
import { beforeEach, expect, it, vi } from "vitest";
import { FakeApi, json } from "../fakes/fake-api";
import { exchange } from "../fakes/test-app";
import { openTranscript } from "./open-transcript";

/** happy-dom lays nothing out: everything is as high as the window. */
beforeEach(() => {
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(600);
  vi.spyOn(HTMLElement.prototype, "offsetHeight", "get").mockReturnValue(600);
});

function many(pairs: number) {
  return Array.from({ length: pairs }, (_, n) => exchange(`q${n}`, `a${n}`, 2 * n + 1)).flat();
}

it("keeps all messages of a short conversation on the page", async () => {
  await openTranscript(many(20));
  expect(screen.getAllByRole("article")).toHaveLength(40);
  expect(screen.queryByRole("feed")).toBeNull();
});

it("keeps a part of a long one, the newest among it, and each says its place", async () => {
  await openTranscript(many(500));
  const feed = await screen.findByRole("feed", { name: "Messages" });
  expect(screen.getByText("a499")).toBeTruthy();
  const articles = screen.getAllByRole("article");
  expect(articles.length).toBeLessThan(60);
  expect(feed.contains(articles[0] ?? null)).toBe(true);
  expect(articles.at(-1)?.getAttribute("aria-posinset")).toBe("1000");
  expect(articles.at(-1)?.getAttribute("aria-setsize")).toBe("1000");
});

it("asks for older messages near the first one, and says that there are more", async () => {
  const api = new FakeApi().on("GET /api/conversations/7?limit=100&before=1", () =>
    json(503, { detail: "", code: "unavailable" }),
  );
  await openTranscript(many(4), { api, hasOlder: true });
  await screen.findByRole("feed");
  expect(screen.getAllByRole("article").at(-1)?.getAttribute("aria-setsize")).toBe("-1");
  expect(await screen.findByRole("button", { name: "Try again" })).toBeTruthy();
  expect(api.count("GET /api/conversations/7?limit=100&before=1")).toBe(1);
});
