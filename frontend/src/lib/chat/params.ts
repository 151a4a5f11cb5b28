/** Sampling params in the wire's own field names; the API's table says their ranges and defaults. */
import { asObject, type JsonObject, optionalNumber } from "@/lib/parse";

export interface SamplingParams {
  readonly temperature?: number;
  readonly top_k?: number;
  readonly top_p?: number;
  readonly min_p?: number;
  readonly repetition_penalty?: number;
  readonly max_tokens?: number;
  readonly min_tokens?: number;
  readonly seed?: number;
  readonly logprobs?: number;
  readonly stop?: readonly string[];
  readonly logit_bias?: Readonly<Record<string, number>>;
}

const NUMBERS = [
  "temperature",
  "top_k",
  "top_p",
  "min_p",
  "repetition_penalty",
  "max_tokens",
  "min_tokens",
  "seed",
  "logprobs",
] as const;

/** The alternatives of each token that the glass asks for. */
export const GLASS_LOGPROBS = 5;

/** What is known of stored params; anything else in them is left out. */
export function parseParams(value: unknown): SamplingParams {
  const raw: JsonObject = value ? asObject(value) : {};
  const numbers = NUMBERS.flatMap((name) => {
    const number = optionalNumber(raw, name);
    return number === null ? [] : [[name, number] as const];
  });
  const stop = Array.isArray(raw.stop) ? raw.stop.filter((text) => typeof text === "string") : [];
  const bias = raw.logit_bias ? Object.entries(asObject(raw.logit_bias)) : [];
  return {
    ...Object.fromEntries(numbers),
    ...(stop.length > 0 ? { stop } : {}),
    ...(bias.length > 0 ? { logit_bias: Object.fromEntries(bias) as Record<string, number> } : {}),
  };
}
