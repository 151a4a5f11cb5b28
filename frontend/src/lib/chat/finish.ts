/** How a reply ends: by its own end, at its longest, by the person, or by a fault. */
export const FINISH_REASONS = ["stop", "length", "cancelled", "error"] as const;
export type FinishReason = (typeof FINISH_REASONS)[number];
