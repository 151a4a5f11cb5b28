/** How much may be asked of the model, and how much of it is left. */
import type { ApiClient } from "./client";
import {
  asArray,
  asObject,
  optionalBoolean,
  optionalNumber,
  readInteger,
  readOneOf,
  readString,
} from "@/lib/parse";

export const ROLES = ["guest", "member", "staff"] as const;
export type Role = (typeof ROLES)[number];

export interface Limit {
  /** `prompts_per_minute`, `prompts_per_day`, `running`; a later server may have more. */
  readonly name: string;
  readonly limit: number;
  readonly remaining: number;
  /** Seconds until the first of those used comes back; 0 where that is not a matter of time. */
  readonly resetS: number;
  /** In how many seconds so many may be; 0: at a time. */
  readonly windowS: number;
}

export interface Quota {
  readonly role: Role;
  /** False: as much as anybody likes. */
  readonly isLimited: boolean;
  readonly limits: readonly Limit[];
}

export async function readQuota(api: ApiClient, signal?: AbortSignal): Promise<Quota> {
  const { body } = await api.request("GET", "/api/quota", { signal });
  const object = asObject(body);
  return {
    role: readOneOf(object, "role", ROLES),
    isLimited: optionalBoolean(object, "is_limited"),
    limits: asArray(object.limits).map(parseLimit),
  };
}

function parseLimit(value: unknown): Limit {
  const object = asObject(value);
  return {
    name: readString(object, "name"),
    limit: readInteger(object, "limit"),
    remaining: readInteger(object, "remaining"),
    resetS: optionalNumber(object, "reset_s") ?? 0,
    windowS: optionalNumber(object, "window_s") ?? 0,
  };
}

export const DAY = "prompts_per_day";

export function dayOf({ isLimited, limits }: Quota): Limit | null {
  return isLimited ? (limits.find(({ name }) => name === DAY) ?? null) : null;
}

/** A tenth of the day or less is left: time to say so. */
export function isLow({ limit, remaining }: Limit): boolean {
  return remaining < limit / 10;
}
