import { describe, expect, it } from "vitest";
import { groupByDay } from "@/lib/day-groups";

const NOW = new Date(2026, 10, 20, 9, 0);

function daysBefore(days: number, hour = 12): string {
  return new Date(2026, 10, 20 - days, hour).toISOString();
}

describe("groupByDay", () => {
  it("keeps the order and names the days, the weeks and the months", () => {
    const days = [0, 1, 2, 7, 8, 30, 31, 60, 400];
    const groups = groupByDay(days, (day) => daysBefore(day, 8), NOW);
    expect(groups.map(({ label, items }) => [label, items])).toEqual([
      ["Today", [0]],
      ["Yesterday", [1]],
      ["Previous 7 days", [2, 7]],
      ["Previous 30 days", [8, 30]],
      ["October", [31]],
      ["September", [60]],
      ["October 2025", [400]],
    ]);
  });

  it("gives pinned ones a heading of their own, however old they are", () => {
    const first = { time: daysBefore(60), isPinned: true };
    const last = { time: daysBefore(60), isPinned: false };
    const labels = groupByDay([first, last], (i) => i.time, NOW, (i) => i.isPinned);
    expect(labels.map((group) => group.label)).toEqual(["Pinned", "September"]);
  });

  it("counts calendar days, not hours", () => {
    const [group] = groupByDay([daysBefore(1, 23)], (time) => time, new Date(2026, 10, 20, 0, 10));
    expect(group?.label).toBe("Yesterday");
  });

  it("calls a clock that runs ahead today", () => {
    const [group] = groupByDay([daysBefore(-1)], (time) => time, NOW);
    expect(group?.label).toBe("Today");
  });
});
