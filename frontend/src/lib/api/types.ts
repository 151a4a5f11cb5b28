/**
 * The API's shapes by name, made from the backend (`npm run types`), for the compiler alone: what
 * comes over the wire is still parsed. A body typed so fails the type check when its route changes.
 */
import type { components, paths } from "./schema.gen";

export type SchemaName = keyof components["schemas"];
export type Schema<Name extends SchemaName> = components["schemas"][Name];

type Verb = "get" | "post" | "put" | "patch" | "delete";
type Operation<Path extends keyof paths, Method extends Verb> = paths[Path][Method];

/** The JSON that a route takes: `RequestBody<"/api/auth/login", "post">`. */
export type RequestBody<Path extends keyof paths, Method extends Verb> =
  Operation<Path, Method> extends { requestBody?: { content: infer Content } }
    ? Content extends { "application/json": infer Body }
      ? Body
      : never
    : never;

/** The JSON that a route answers with when it succeeds. */
export type ResponseBody<Path extends keyof paths, Method extends Verb> =
  Operation<Path, Method> extends { responses: infer Responses }
    ? Success<Responses[keyof Responses & (200 | 201 | 202)]>
    : never;

type Success<Response> = Response extends { content: { "application/json": infer Body } }
  ? Body
  : never;
