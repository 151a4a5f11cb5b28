"use client";

import type { Element } from "hast";
import { type ComponentProps, memo, type ReactNode } from "react";
import Markdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";
import { Caret } from "../caret";
import { CodeBlock } from "./code-block";
import { rehypeCaret, rehypePicturesAsLinks, withoutSurprises } from "./syntax";
import { cn } from "@/lib/cn";
import { closeOpenMarks, safeHref } from "@/lib/markdown";

interface MarkdownBodyProps {
  readonly text: string;
  readonly isLive: boolean;
}

/**
 * An answer with its Markdown laid out. Only the elements named here can come of it: no raw HTML,
 * nothing loaded from elsewhere, links to the web and mail alone.
 */
export const MarkdownBody = memo(function MarkdownBody({ text, isLive }: MarkdownBodyProps) {
  return (
    <div className="space-y-3 leading-relaxed wrap-anywhere" data-testid="markdown">
      <Markdown
        remarkPlugins={REMARK}
        rehypePlugins={isLive ? LIVE_REHYPE : REHYPE}
        allowedElements={ALLOWED}
        unwrapDisallowed
        urlTransform={(url) => safeHref(url) ?? ""}
        components={COMPONENTS}
      >
        {isLive ? closeOpenMarks(text) : text}
      </Markdown>
    </div>
  );
});

const REMARK = [remarkGfm, withoutSurprises];
const REHYPE = [rehypePicturesAsLinks];
const LIVE_REHYPE = [rehypePicturesAsLinks, rehypeCaret];

const ALLOWED = [
  "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr",
  "input", "li", "ol", "p", "pre", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
]; // prettier-ignore

/** The page's own headings end at h2, so an answer's begin below. */
const COMPONENTS: Components = {
  a: ({ href, children }) => <Link href={href}>{children}</Link>,
  blockquote: ({ children }) => (
    <blockquote className="space-y-3 border-s-2 border-line-strong ps-4 text-ink-soft">
      {children}
    </blockquote>
  ),
  code: ({ className, children }) => (
    <code className={className ? undefined : INLINE_CODE}>{children}</code>
  ),
  // The page's font has no italics, and elsewhere none are made up.
  em: ({ children }) => <em className="italic [font-synthesis:style]">{children}</em>,
  h1: ({ children }) => <h3 dir="auto" className={HEADING}>{children}</h3>,
  h2: ({ children }) => <h3 dir="auto" className={HEADING}>{children}</h3>,
  h3: ({ children }) => <h4 dir="auto" className={HEADING}>{children}</h4>,
  h4: ({ children }) => <h5 dir="auto" className={HEADING}>{children}</h5>,
  h5: ({ children }) => <h6 dir="auto" className={HEADING}>{children}</h6>,
  h6: ({ children }) => <h6 dir="auto" className={HEADING}>{children}</h6>,
  hr: () => <hr className="my-4" />,
  input: ({ checked }) => (
    <span role="img" aria-label={checked ? "Done:" : "Not done:"}>
      {checked ? "☑" : "☐"}
    </span>
  ),
  li: ({ className, children }) => (
    // A box to tick is the mark of its entry.
    <li className={cn("ps-1 [&>p]:inline", className && "-ms-5 list-none")}>
      {children}
    </li>
  ),
  ol: ({ children, start }) => (
    <ol start={start} dir="auto" className="list-decimal space-y-1 ps-6 marker:text-ink-soft">
      {children}
    </ol>
  ),
  // Each paragraph runs its own way: an answer may mix scripts.
  p: ({ children }) => (
    <p dir="auto" className="whitespace-pre-wrap">
      {children}
    </p>
  ),
  pre: ({ node, children }) => <CodeBlock language={languageOf(node)}>{children}</CodeBlock>,
  span: () => <Caret />,
  table: ({ children }) => <Table>{children}</Table>,
  td: ({ children, style }) => (
    <td style={style} className="border-t px-3 py-2 align-top">
      {children}
    </td>
  ),
  th: ({ children, style }) => (
    <th style={style} className="px-3 py-2 text-start font-semibold">
      {children}
    </th>
  ),
  ul: ({ children }) => (
    <ul dir="auto" className="list-disc space-y-1 ps-6 marker:text-ink-soft">
      {children}
    </ul>
  ),
};

const HEADING = "mt-4 font-display font-bold first:mt-0";
const INLINE_CODE = "rounded-md bg-hover px-1 py-0.5 font-mono text-[0.875em]";

function Link({ href, children }: Pick<ComponentProps<"a">, "href" | "children">) {
  if (!href) return <>{children}</>;
  return (
    <a
      href={href}
      target="_blank"
      rel="noopener noreferrer nofollow"
      className="rounded-sm font-medium text-leaf underline underline-offset-4"
    >
      {children}
      <span className="sr-only"> (opens in a new tab)</span>
    </a>
  );
}

function Table({ children }: { readonly children?: ReactNode }) {
  return (
    <div
      tabIndex={0}
      role="region"
      aria-label="Table"
      className="overflow-x-auto rounded-xl border wrap-normal"
    >
      <table className="w-full min-w-max border-collapse text-start text-[0.9375rem]">{children}</table>
    </div>
  );
}

function languageOf(pre: Element | undefined): string | null {
  const code = pre?.children.find((child) => child.type === "element");
  const names = code?.type === "element" ? code.properties.className : null;
  const name = Array.isArray(names) ? names.map(String).find((n) => n.startsWith("language-")) : null;
  return name?.slice("language-".length) ?? null;
}
