/**
 * Finishes the export in out/: policy and addresses in every page (`deployment.mjs`), compressed
 * twins of every text file. The second half of `npm run build`; alone (`npm run place`) it moves a
 * finished export, or the copy of one that it is given, to another place; that takes a second and
 * changes no script: NEXT_PUBLIC_API_ORIGIN and NEXT_PUBLIC_SITE_ORIGIN, empty where Django serves the page.
 */
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, gzip } from "node:zlib";
import { placePage, readOrigin } from "./deployment.mjs";

const OUT = process.argv[2] ?? fileURLToPath(new URL("../out/", import.meta.url));
// 404.html is the page for what is missing; these would be the same at an address of their own.
const SUPERFLUOUS = ["404", "_not-found"];
const TEXT = /\.(html|js|css|svg|txt|json|webmanifest)$/;
// Smaller files fit a packet as they are.
const MIN_COMPRESSED_BYTES = 1024;

const api = readOrigin("NEXT_PUBLIC_API_ORIGIN", process.env.NEXT_PUBLIC_API_ORIGIN);
const site = readOrigin("NEXT_PUBLIC_SITE_ORIGIN", process.env.NEXT_PUBLIC_SITE_ORIGIN);

for (const name of SUPERFLUOUS) await rm(path.join(OUT, name), { recursive: true, force: true });
const files = (await readdir(OUT, { recursive: true })).filter((name) => TEXT.test(name)).sort();
const pages = files.filter((name) => name.endsWith(".html"));
if (pages.length === 0) throw new Error("out/ holds no page: run `npm run build`");
for (const name of pages) await place(name);
await Promise.all(files.map(compress));
console.log(`Placed ${pages.length} pages: API at ${api || "this origin"}`);

async function place(name) {
  const file = path.join(OUT, name);
  const address = `/${name.replaceAll(path.sep, "/").replace(/(^|\/)index\.html$/, "$1")}`;
  await writeFile(file, placePage(await readFile(file, "utf8"), { api, site, path: address }));
}

async function compress(name) {
  const file = path.join(OUT, name);
  const content = await readFile(file);
  if (content.length < MIN_COMPRESSED_BYTES) return;
  await writeFile(`${file}.gz`, await promisify(gzip)(content, { level: 9 }));
  await writeFile(`${file}.br`, await promisify(brotliCompress)(content));
}
