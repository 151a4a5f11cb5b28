import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { patiently } from "@/lib/patiently";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("tries until the part comes", async () => {
  const load = vi.fn(async () => "part").mockRejectedValueOnce(new Error("the server is away"));
  const loaded = patiently(load);
  await vi.advanceTimersByTimeAsync(1_000);
  await expect(loaded).resolves.toBe("part");
  expect(load).toHaveBeenCalledTimes(2);
});

it("gives up in the end", async () => {
  const load = vi.fn(async () => Promise.reject(new Error("an older release")));
  const loaded = patiently(load);
  const refused = expect(loaded).rejects.toThrow("an older release");
  await vi.advanceTimersByTimeAsync(300_000);
  await refused;
  expect(load).toHaveBeenCalledTimes(12);
});
