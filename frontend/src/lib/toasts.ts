/** Short notices in the corner, from anywhere on the page; `components/ui/toaster` shows them. */
import { Store } from "./store";

export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly action?: { readonly label: string; readonly run: () => void };
  /** Read out at once, instead of when the screen reader is done: for failures. */
  readonly isUrgent?: boolean;
  /** Called once it is gone without its action, by time or by hand. */
  readonly onGone?: () => void;
}

/** More would cover the page; the oldest leaves. */
const MAX_SHOWN = 3;

export const shownToasts = new Store<readonly Toast[]>([]);

let count = 0;

/** Returns the id, for `dismissToast`. */
export function showToast(toast: Omit<Toast, "id">): number {
  count += 1;
  const id = count;
  const { action } = toast;
  const run = (): void => {
    remove(id);
    action?.run();
  };
  const shown: Toast = { ...toast, id, ...(action ? { action: { ...action, run } } : {}) };
  const all = [...shownToasts.get(), shown];
  for (const old of all.slice(0, -MAX_SHOWN)) dismissToast(old.id);
  shownToasts.set([...shownToasts.get(), shown]);
  return id;
}

/** Takes a notice away without its action. */
export function dismissToast(id: number): void {
  remove(id)?.onGone?.();
}

/** Takes all away, and tells nobody that they are gone: they were somebody else's. */
export function clearToasts(): void {
  shownToasts.set([]);
}

function remove(id: number): Toast | undefined {
  const toast = shownToasts.get().find((candidate) => candidate.id === id);
  if (toast) shownToasts.set(shownToasts.get().filter((candidate) => candidate !== toast));
  return toast;
}
