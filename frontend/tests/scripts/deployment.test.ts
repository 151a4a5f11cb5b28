import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { pagePolicy, placePage, readOrigin } from "../../scripts/deployment.mjs";

const HEAD = '<!DOCTYPE html><html><head><meta charSet="utf-8"/>';
const PAGE = `${HEAD}<script src="/a.js" async=""></script><script>boot()</script></head><body><p style="color:red">Hi</p><script id="x">go("<b>")\n</script></body></html>`;
const HERE = { api: "", site: "", path: "/" };
const ELSEWHERE = { api: "https://api.example.org", site: "https://chat.example.org", path: "/login/" };

function hash(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

function directives(policy: string): Record<string, string> {
  return Object.fromEntries(
    policy.split("; ").map((one) => [one.split(" ")[0], one.split(" ").slice(1).join(" ")]),
  );
}

describe("pagePolicy", () => {
  it("lets each inline script run by its hash, and none else", () => {
    const found = directives(pagePolicy(PAGE, ""));
    expect(found["script-src"]).toBe(`'self' ${hash("boot()")} ${hash('go("<b>")\n')}`);
    expect(found["style-src"]).toBe("'self'");
    expect(found["style-src-attr"]).toBe(`'unsafe-hashes' ${hash("color:red")}`);
    expect(found["connect-src"]).toBe("'self'");
    expect(pagePolicy(PAGE, "")).not.toContain("unsafe-inline");
  });

  it("reaches the API's origin, its sockets too", () => {
    const found = directives(pagePolicy(PAGE, "https://api.example.org"));
    expect(found["connect-src"]).toBe("'self' https://api.example.org wss://api.example.org");
  });
});

describe("placePage", () => {
  it("puts the policy before everything it is about", () => {
    const placed = placePage(PAGE, HERE);
    expect(placed.indexOf("Content-Security-Policy")).toBeLessThan(placed.indexOf("<script"));
    expect(placed).toContain('<meta name="eugpt-api" content=""');
    expect(placed).toContain('<meta property="og:image" content="/social-card.png"');
    expect(placed).not.toContain("preconnect");
  });

  it("replaces an earlier place entirely", () => {
    const moved = placePage(placePage(PAGE, ELSEWHERE), HERE);
    expect(moved).toBe(placePage(PAGE, HERE));
    const back = placePage(moved, ELSEWHERE);
    expect(back).toContain('content="https://chat.example.org/login/"');
    expect(back).toContain('rel="preconnect" href="https://api.example.org"');
  });

  it("refuses what is not an exported page", () => {
    expect(() => placePage("<html></html>", HERE)).toThrow(/does not begin/);
  });
});

describe("readOrigin", () => {
  it("takes origins and drops a last slash", () => {
    expect(readOrigin("X", " https://a.example:8443/ ")).toBe("https://a.example:8443");
    expect(readOrigin("X", undefined)).toBe("");
  });

  it.each(["chat.example.org", "ftp://a.example", "https://a.example/path", 'https://a"b'])(
    "refuses %s by its name",
    (text) => expect(() => readOrigin("NEXT_PUBLIC_API_ORIGIN", text)).toThrow(/NEXT_PUBLIC_API/),
  );
});
