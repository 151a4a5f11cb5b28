/**
 * Sums, for each page of the export, the scripts that it loads first (gzip), and fails where they
 * are more than a phone on a slow line should wait for. What is imported later does not count:
 * dialogs, Markdown and what only some people see belong in `next/dynamic`.
 */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const OUT = fileURLToPath(new URL("../out/", import.meta.url));
const MAX_BYTES = 200_000;

const sizes = new Map();
const pages = (await readdir(OUT, { recursive: true })).filter((name) => name.endsWith(".html"));
const rows = await Promise.all(pages.sort().map(weigh));
for (const { page, bytes, scripts } of rows) {
  console.log(`${page.padEnd(28)} ${String(scripts).padStart(3)} scripts ${kB(bytes)}`);
}
const heavy = rows.filter(({ bytes }) => bytes > MAX_BYTES);
if (rows.length === 0 || heavy.length > 0) {
  const names = heavy.map(({ page }) => page).join(", ") || "no page";
  console.error(`First load above ${kB(MAX_BYTES).trim()}: ${names}. The heaviest scripts:`);
  const heaviest = [...sizes].sort((one, other) => other[1] - one[1]).slice(0, 10);
  for (const [name, bytes] of heaviest) console.error(`${kB(bytes)}  ${name}`);
  process.exit(1);
}

async function weigh(page) {
  const scripts = firstScripts(await readFile(path.join(OUT, page), "utf8"));
  let bytes = 0;
  for (const name of scripts) bytes += await sizeOf(name);
  return { page, bytes, scripts: scripts.size };
}

/** Script tags and preloads; `noModule` is for browsers that this page does not run in. */
function firstScripts(html) {
  const tags = html.match(/<script [^>]*src=[^>]*>|<link [^>]*(as="script"|modulepreload)[^>]*>/g);
  const wanted = (tags ?? []).filter((tag) => !/ noModule/i.test(tag));
  return new Set(wanted.map((tag) => /(?:src|href)="([^"?]+)/.exec(tag)[1]));
}

async function sizeOf(name) {
  if (!sizes.has(name)) {
    sizes.set(name, gzipSync(await readFile(path.join(OUT, name)), { level: 9 }).length);
  }
  return sizes.get(name);
}

function kB(bytes) {
  return `${(bytes / 1000).toFixed(1)} kB`.padStart(9);
}
