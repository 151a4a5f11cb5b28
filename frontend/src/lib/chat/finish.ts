/** How a reply ends: by its own end, at its longest, by the person, by a fault, by a safety rule. */
export const FINISH_REASONS = ["stop", "length", "cancelled", "error", "filtered"] as const;
export type FinishReason = (typeof FINISH_REASONS)[number];
