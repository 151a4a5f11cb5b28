/**
 * Writes the TypeScript types of the API from what `python -m deploy.write_schema` has written to
 * var/schema. `python -m deploy.local frontend typecheck` runs both when the backend has changed.
 */
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { compile } from "json-schema-to-typescript";
import openapiTS, { astToString } from "openapi-typescript";

const SCHEMA = new URL("../../var/schema/", import.meta.url);
const LIB = new URL("../src/lib/", import.meta.url);
const BANNER = "// Made by scripts/types.mjs from the backend's schema.\n\n";

async function restTypes() {
  // What has a default need not be sent.
  const options = { alphabetize: true, defaultNonNullable: false };
  return astToString(await openapiTS(await schema("openapi.json"), options));
}

async function eventTypes() {
  return await compile(await schema("events.json"), "AnyEvent", {
    additionalProperties: false,
    bannerComment: "",
    format: false,
    ignoreMinAndMaxItems: true,
    unreachableDefinitions: true,
  });
}

async function schema(name) {
  const file = new URL(name, SCHEMA);
  if (!existsSync(file)) {
    throw new Error(`var/schema/${name} is missing: run \`.venv/bin/python -m deploy.write_schema\``);
  }
  return JSON.parse(await readFile(file, "utf8"));
}

async function write(name, text) {
  const file = new URL(name, LIB);
  await mkdir(new URL(".", file), { recursive: true });
  await writeFile(file, BANNER + text);
}

await write("api/schema.gen.d.ts", await restTypes());
await write("chat/events.gen.d.ts", await eventTypes());
