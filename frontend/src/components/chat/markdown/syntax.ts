/** Changes to Markdown's grammar and tree, as plugins of unified. */
import type { Element, ElementContent, Root } from "hast";
import type { Processor } from "unified";

/**
 * Off: raw HTML (it is text), code by indentation (poems are indented) and headings by underlining
 * (the first character of a list under a line would make it a heading for a moment).
 */
const OFF = ["htmlFlow", "htmlText", "codeIndented", "setextUnderline"];

export function withoutSurprises(this: Processor): void {
  const data = this.data() as { micromarkExtensions?: unknown[] };
  (data.micromarkExtensions ??= []).push({ disable: { null: OFF } });
}

const HOLDS_TEXT = new Set(["p", "li", "ul", "ol", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6"]);

/** Puts the caret, a `span`, behind the last word; behind a table or code it would be in the way. */
export function rehypeCaret() {
  return (tree: Root): void => {
    let parent: Root | Element = tree;
    for (let last = lastElement(tree); last; last = lastElement(last)) {
      if (!HOLDS_TEXT.has(last.tagName)) break;
      parent = last;
    }
    if (parent === tree) return;
    parent.children.push({ type: "element", tagName: "span", properties: {}, children: [] });
  };
}

function lastElement(parent: Root | Element): Element | undefined {
  const solid = (parent.children as ElementContent[]).filter(
    (child) => child.type === "element" || (child.type === "text" && child.value.trim() !== ""),
  );
  const last = solid.at(-1);
  return last?.type === "element" ? last : undefined;
}

/** Nothing is loaded from elsewhere because an answer says so: a picture becomes a link to it. */
export function rehypePicturesAsLinks() {
  return (tree: Root): void => replacePictures(tree, false);
}

function replacePictures(parent: Root | Element, isInLink: boolean): void {
  parent.children.forEach((child, index) => {
    if (child.type !== "element") return;
    if (child.tagName !== "img") return replacePictures(child, isInLink || child.tagName === "a");
    const alt = { type: "text", value: String(child.properties.alt || "Picture") } as const;
    const href = child.properties.src;
    parent.children[index] = isInLink
      ? alt
      : { type: "element", tagName: "a", properties: { href }, children: [alt] };
  });
}
