const BASE_MS = 500;
const CAP_MS = 20_000;

/**
 * How long to wait before the given retry (0 = first). Half of the doubling span is random, so that
 * a thousand pages cut off by one restart do not all come back in the same moment.
 */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  const span = Math.min(CAP_MS, BASE_MS * 2 ** attempt);
  return Math.round(span / 2 + (span / 2) * random());
}
