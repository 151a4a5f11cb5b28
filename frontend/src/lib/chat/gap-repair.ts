/**
 * Asks for a resume when a reply misses tokens: at once, after the last token seen; then, while the
 * hole stays, again from the start of the stream (duplicates are harmless) at growing intervals.
 */
import type { Reply } from "./state";
import { backoffMs } from "@/lib/backoff";

/** The first wait must be longer than a healthy resume takes. */
const FIRST_WAIT_ATTEMPT = 2;

export class GapRepair {
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();
  private replies: Readonly<Record<string, Reply>> = {};

  constructor(private readonly resume: (reply: Reply, fromStart: boolean) => void) {}

  /** Looks at the replies after each change. */
  check(replies: Readonly<Record<string, Reply>>): void {
    this.replies = replies;
    for (const key of this.timers.keys()) {
      if (!replies[key]?.hasGap) this.stop(key);
    }
    for (const [key, reply] of Object.entries(replies)) {
      if (reply.hasGap && !this.timers.has(key)) this.attempt(key, 0);
    }
  }

  clear(): void {
    for (const key of this.timers.keys()) this.stop(key);
  }

  private attempt(key: string, attempt: number): void {
    const reply = this.replies[key];
    if (!reply?.hasGap) return this.stop(key);
    const timer = setTimeout(
      () => this.attempt(key, attempt + 1),
      backoffMs(attempt + FIRST_WAIT_ATTEMPT),
    );
    this.timers.set(key, timer);
    this.resume(reply, attempt > 0);
  }

  private stop(key: string): void {
    clearTimeout(this.timers.get(key));
    this.timers.delete(key);
  }
}
