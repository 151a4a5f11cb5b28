import { describe, expect, it } from "vitest";
import { nextPath, signInHref } from "@/lib/next-path";

describe("nextPath", () => {
  it.each(["/", "/?c=12", "/settings/?tab=keys", "/shared/?s=abc"])("leads back to %s", (path) => {
    expect(nextPath(signInHref(path).slice("/login/".length))).toBe(path);
  });

  it.each([
    "//evil.test/settings/",
    "/\\evil.test/",
    "\\\\evil.test",
    "https://evil.test/settings/",
    "https:evil.test",
    "javascript:alert(1)",
    "data:text/html,x",
    "/\t/evil.test/",
    "/admin/",
    "/api/auth/logout",
    "/login/?next=/login/",
    "/settings/../admin/",
    "http://",
    "",
  ])("leads nowhere for %j", (next) => {
    expect(nextPath(`?next=${encodeURIComponent(next)}`)).toBeNull();
  });

  it("is null when nothing is asked for", () => {
    expect(nextPath("?c=12")).toBeNull();
  });

  it("leaves out the fragment and keeps the query", () => {
    expect(nextPath("?next=%2Fsettings%2F%3Ftab%3Dlook%23x")).toBe("/settings/?tab=look");
  });
});
