"use client";

import { useSession } from "./use-app";
import { useStore } from "./use-store";
import type { SamplingParams } from "@/lib/chat/params";
import { guestSampling } from "@/lib/sampling";

/** The defaults of answers that hold now: the member's, or this device's for a guest. */
export function useSampling(): SamplingParams {
  const { user } = useSession();
  const guest = useStore(guestSampling);
  return user === null ? guest : user.sampling;
}
