/**
 * Deletions that can still be taken back. What is deleted leaves the page at once; the server hears
 * of it when the notice with Undo is gone, or when the page is about to go. Until then nothing is
 * lost, whatever happens to the page.
 */
import type { Failure } from "./failure";
import { Store } from "./store";
import { dismissToast, showToast } from "./toasts";

export interface DeletePorts {
  /** `isLast`: the page is going, nothing can be sent later. */
  readonly send: (ids: readonly number[], options: { readonly isLast: boolean }) => Promise<void>;
  readonly onDeleted: (ids: readonly number[]) => void;
  readonly toFailure: (error: unknown) => Failure;
  readonly describe: (failure: Failure) => string;
}

interface Batch {
  readonly ids: readonly number[];
  toast: number;
}

/** The wait for the server before somebody who signs out is let go. */
const FLUSH_MAX_MS = 3_000;

export class PendingDeletes {
  /** What the lists must not show. Deleted ones stay in it: an older answer may still name them. */
  readonly hidden = new Store<ReadonlySet<number>>(new Set());
  private readonly waiting = new Set<Batch>();

  constructor(private readonly ports: DeletePorts) {}

  schedule(ids: readonly number[], text: string, onUndo?: () => void): void {
    const batch: Batch = { ids, toast: 0 };
    this.hide(ids);
    if (this.waiting.size === 0) addEventListener("pagehide", this.onPageHide);
    this.waiting.add(batch);
    const undo = (): void => {
      this.drop(batch);
      this.show(ids);
      onUndo?.();
    };
    batch.toast = showToast({
      text,
      action: { label: "Undo", run: undo },
      onGone: () => void this.send(batch, false),
    });
  }

  /** Sends what waits; for signing out, which takes the right to send it. */
  async flush(): Promise<void> {
    const sent = [...this.waiting].map((batch) => this.send(batch, false));
    const tooLong = new Promise<void>((resolve) => setTimeout(resolve, FLUSH_MAX_MS));
    await Promise.race([Promise.all(sent), tooLong]);
  }

  /** Somebody else's page from now on: nothing is sent in their name. */
  forget(): void {
    for (const batch of [...this.waiting]) this.drop(batch);
    this.hidden.set(new Set());
  }

  private readonly onPageHide = (): void => {
    for (const batch of [...this.waiting]) void this.send(batch, true);
  };

  private async send(batch: Batch, isLast: boolean): Promise<void> {
    if (!this.drop(batch)) return;
    try {
      await this.ports.send(batch.ids, { isLast });
      this.ports.onDeleted(batch.ids);
    } catch (error) {
      this.show(batch.ids);
      const reason = this.ports.describe(this.ports.toFailure(error));
      showToast({ text: `Not deleted. ${reason}`, isUrgent: true });
    }
  }

  /** Whether it was still waiting. */
  private drop(batch: Batch): boolean {
    if (!this.waiting.delete(batch)) return false;
    if (this.waiting.size === 0) removeEventListener("pagehide", this.onPageHide);
    dismissToast(batch.toast);
    return true;
  }

  private hide(ids: readonly number[]): void {
    this.hidden.set(new Set([...this.hidden.get(), ...ids]));
  }

  private show(ids: readonly number[]): void {
    const rest = [...this.hidden.get()].filter((id) => !ids.includes(id));
    this.hidden.set(new Set(rest));
  }
}
