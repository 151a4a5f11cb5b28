import { afterEach, expect, test, vi } from "vitest";
import { clearToasts, dismissToast, showToast, shownToasts } from "@/lib/toasts";

afterEach(() => shownToasts.set([]));

test("an action runs once, takes the toast away and is not the toast being gone", () => {
  const run = vi.fn();
  const onGone = vi.fn();
  const id = showToast({ text: "Deleted", action: { label: "Undo", run }, onGone });
  shownToasts.get()[0]?.action?.run();
  dismissToast(id);
  expect(run).toHaveBeenCalledOnce();
  expect(onGone).not.toHaveBeenCalled();
  expect(shownToasts.get()).toEqual([]);
});

test("going without the action is told once", () => {
  const onGone = vi.fn();
  const id = showToast({ text: "Deleted", onGone });
  dismissToast(id);
  dismissToast(id);
  expect(onGone).toHaveBeenCalledOnce();
});

test("a fourth toast takes the oldest away, which is told", () => {
  const onGone = vi.fn();
  showToast({ text: "1", onGone });
  for (const text of ["2", "3", "4"]) showToast({ text });
  expect(shownToasts.get().map((toast) => toast.text)).toEqual(["2", "3", "4"]);
  expect(onGone).toHaveBeenCalledOnce();
});

test("all are cleared without being told gone", () => {
  const onGone = vi.fn();
  const id = showToast({ text: "“My secret” deleted.", onGone });
  showToast({ text: "2" });
  clearToasts();
  dismissToast(id);
  expect(shownToasts.get()).toEqual([]);
  expect(onGone).not.toHaveBeenCalled();
});
