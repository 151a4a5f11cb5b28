/**
 * Collects items and hands them over once per animation frame, so that a fast stream costs one
 * render a frame instead of one a token.
 */

/** A hidden tab gets no frames; its items are handed over at this pace instead. */
const HIDDEN_FLUSH_MS = 250;

export class FrameBatch<T> {
  private items: T[] = [];
  private frame: number | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(private readonly onFlush: (items: readonly T[]) => void) {}

  push(item: T): void {
    this.items.push(item);
    this.frame ??= requestAnimationFrame(this.flush);
    this.timer ??= setTimeout(this.flush, HIDDEN_FLUSH_MS);
  }

  /** Drops what has not been handed over. */
  clear(): void {
    this.items = [];
    this.unschedule();
  }

  readonly flush = (): void => {
    this.unschedule();
    const items = this.items;
    this.items = [];
    if (items.length > 0) this.onFlush(items);
  };

  private unschedule(): void {
    if (this.frame !== null) cancelAnimationFrame(this.frame);
    if (this.timer !== null) clearTimeout(this.timer);
    this.frame = null;
    this.timer = null;
  }
}
