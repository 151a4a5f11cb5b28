import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MarkdownBody } from "@/components/chat/markdown/markdown-body";
import { MessageText } from "@/components/chat/message-text";

function show(text: string, isLive = false): HTMLElement {
  const { container } = render(<MarkdownBody text={text} isLive={isLive} />);
  return container;
}

describe("Markdown of an answer", () => {
  it("lays out what people know from elsewhere", () => {
    const page = show("# Tea\n\n1. **Boil** water\n2. wait\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- [x] cup");
    expect(page.querySelector("h3")?.textContent).toBe("Tea");
    expect(page.querySelectorAll("ol > li")).toHaveLength(2);
    expect(page.querySelector("strong")?.textContent).toBe("Boil");
    expect(screen.getByRole("region", { name: "Table" }).querySelectorAll("td")).toHaveLength(2);
    expect(screen.getByRole("img", { name: "Done:" })).toBeTruthy();
  });

  it("lets each paragraph run in the direction of its own script", () => {
    const page = show("Hello\n\n- مرحبا\n\n## سلام\n\nشكرا");
    const blocks = [...page.querySelectorAll("p, ul, h3")];
    expect(blocks.map((block) => block.getAttribute("dir"))).toEqual(Array(4).fill("auto"));
  });

  it("marks an entry with a box or with a dot, not with both", () => {
    const [todo, dot] = show("- [ ] a\n- b").querySelectorAll("li");
    expect(todo?.className).toContain("list-none");
    expect(dot?.className).not.toContain("list-none");
  });

  it("copies code as it stands", async () => {
    const user = userEvent.setup();
    show("```python\nprint('<b>')\n```");
    expect(screen.getByRole("region", { name: "Code in python" })).toBeTruthy();
    await user.click(screen.getByRole("button", { name: "Copy code" }));
    expect(await navigator.clipboard.readText()).toBe("print('<b>')\n");
    expect(screen.getByRole("button", { name: "Copied" })).toBeTruthy();
  });

  it("opens links apart, and only those of the web and mail", () => {
    const page = show("[a](https://a.eu) [b](javascript:alert(1)) [c](/x) [d](mailto:d@d.eu)");
    const links = [...page.querySelectorAll("a")];
    expect(links.map((link) => link.getAttribute("href"))).toEqual(["https://a.eu/", "mailto:d@d.eu"]);
    expect(links[0]?.rel).toBe("noopener noreferrer nofollow");
    expect(links[0]?.target).toBe("_blank");
    expect(page.textContent).toContain("b");
  });

  it("loads no picture: its name becomes a link", () => {
    const page = show("![a cat](https://a.eu/cat.png) [![in](https://a.eu/b.png)](https://b.eu)");
    expect(page.querySelector("img")).toBeNull();
    expect(page.querySelectorAll("a a")).toHaveLength(0);
    expect(page.querySelector("a")?.getAttribute("href")).toBe("https://a.eu/cat.png");
    expect(page.textContent).toContain("a cat");
  });

  it("shows raw HTML as text", () => {
    const page = show('<b onclick="x">hi</b>\n\n<div>*there*</div>');
    expect(page.querySelector("b, div div div")).toBeNull();
    expect(page.textContent).toContain('<b onclick="x">hi</b>');
    expect(page.querySelector("em")?.textContent).toBe("there");
  });

  it("puts the caret behind the last word", () => {
    show("- one\n- two **bold", true);
    expect(screen.getByTestId("caret").closest("li")?.textContent).toBe("two bold");
  });

  const ATTACKS = [
    "<script>alert(1)</script>", '<img src=x onerror="alert(1)">', "<svg/onload=alert(1)>",
    "[x](javascript:alert(1))", "![x](javascript:alert(1))", "<javascript:alert(1)>", "[x]: javascript:a",
    "<iframe srcdoc='x'>", "[a](data:text/html,<script>)", '"><style>', "`", "**", "\n", "\n\n", "- ", "> ",
    "|", "|-|\n", "```html\n", "# ", "[^1]", "[^1]: x", "&lt;script&gt;", "https://a.eu/<x>", "<!-- -->",
    "<a href='javascript:x'>", "text", "[x][x]", "\\", "_", "~~",
  ]; // prettier-ignore

  it("whatever is written, only known elements come of it", () => {
    const known = new Set(
      ("DIV P A SPAN STRONG EM DEL CODE PRE UL OL LI BLOCKQUOTE HR BR H3 H4 H5 H6 TABLE THEAD TBODY " +
        "TR TH TD BUTTON svg path rect SUP").split(" "),
    );
    const text = fc.array(fc.constantFrom(...ATTACKS), { maxLength: 12 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(text, fc.boolean(), (markdown, isLive) => {
        const { container, unmount } = render(<MarkdownBody text={markdown} isLive={isLive} />);
        for (const element of container.querySelectorAll("*")) {
          expect(known).toContain(element.tagName);
          for (const { name, value } of element.attributes) {
            expect(name).not.toMatch(/^on|^src|^srcdoc|^formaction/);
            if (name === "href") expect(value).toMatch(/^(https?|mailto):/);
          }
        }
        unmount();
      }),
      { numRuns: 150 },
    );
  });
});

describe("the text of an answer", () => {
  it("stays plain without marks, and loads Markdown for those that have some", async () => {
    const { rerender } = render(<MessageText text="Just words." isLive={false} />);
    expect(screen.queryByTestId("markdown")).toBeNull();
    rerender(<MessageText text="Just **words**." isLive={false} />);
    expect((await screen.findByTestId("markdown")).textContent).toBe("Just words.");
  });
});
