/**
 * Readers that turn unknown JSON into typed values. They check what the rest of the code relies on
 * and nothing more, so a server that adds a field never breaks an older page.
 */

export class ParseError extends Error {
  override name = "ParseError";
}

export type JsonObject = Record<string, unknown>;

/** An object whose keys are known, if its type says them: then only those can be read. */
type Keyed = Readonly<Record<string, unknown>>;
type Key<O> = keyof O & string;

export function asObject(value: unknown): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ParseError("expected an object");
  }
  return value as JsonObject;
}

export function asArray(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new ParseError("expected an array");
  return value;
}

export function readString<O extends Keyed>(object: O, key: Key<O>): string {
  const value = object[key];
  if (typeof value !== "string") throw new ParseError(`${key}: expected a string`);
  return value;
}

export function readInteger<O extends Keyed>(object: O, key: Key<O>): number {
  const value = object[key];
  if (!Number.isInteger(value)) throw new ParseError(`${key}: expected an integer`);
  return value as number;
}

export function readOneOf<T extends string, O extends Keyed>(
  object: O,
  key: Key<O>,
  allowed: readonly T[],
): T {
  const value = allowed.find((option) => option === object[key]);
  if (value === undefined) throw new ParseError(`${key}: expected one of ${allowed.join(", ")}`);
  return value;
}

export function optionalString<O extends Keyed>(object: O, key: Key<O>): string | null {
  const value = object[key];
  return typeof value === "string" ? value : null;
}

export function optionalInteger<O extends Keyed>(object: O, key: Key<O>): number | null {
  const value = object[key];
  return Number.isInteger(value) ? (value as number) : null;
}

export function optionalNumber<O extends Keyed>(object: O, key: Key<O>): number | null {
  const value = object[key];
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

export function optionalBoolean<O extends Keyed>(object: O, key: Key<O>): boolean {
  return object[key] === true;
}

/** Null instead of a throw, for places where bad input is dropped rather than reported. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
