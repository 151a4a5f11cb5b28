/** What the page does with the Markdown of an answer before any of it is laid out. */

/** Anything Markdown could read as more than letters; where there is nothing, its code is not loaded. */
const MARKS =
  /[*_`~|[\]\\]|^\s{0,3}(?:#{1,6}\s|>|[-+]\s|\d{1,9}[.)]\s|-{3,}\s*$)|https?:\/\/|www\.|\S@\S/m;

export function hasMarks(text: string): boolean {
  return MARKS.test(text);
}

/**
 * While an answer is being written, its last paragraph may stand in the middle of `**bold` or of
 * `code`: the missing end is added, so that the marks do not show for a moment and then vanish.
 */
export function closeOpenMarks(text: string): string {
  if (count(text, /^\s{0,3}```/gm) % 2 === 1) return text;
  const paragraph = text.slice(text.lastIndexOf("\n\n") + 1);
  if (count(paragraph, /`/g) % 2 === 1) return closed(text, "`");
  return count(paragraph, /\*\*/g) % 2 === 1 ? closed(text, "**") : text;
}

function closed(text: string, mark: string): string {
  return text.endsWith(mark) ? text.slice(0, -mark.length) : text.trimEnd() + mark;
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}

/** The address a link may lead to, or null: the web and mail, nothing that runs or reads files. */
export function safeHref(value: string): string | null {
  try {
    const url = new URL(value);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** Text as it should be read out: without the marks that a voice would spell. */
export function withoutMarks(text: string): string {
  return text
    .replace(/^\s{0,3}(?:#{1,6}\s+|>\s?|[-+*]\s+|```.*$|\|?[\s:|-]*-{3,}[\s:|-]*$)/gm, "")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/\*\*|__|~~|[*`|]/g, "");
}
