import { describe, expect, it } from "vitest";
import { groupByDay } from "@/lib/day-groups";

const NOW = new Date(2026, 10, 20, 9, 0);

function daysBefore(days: number, hour = 12): string {
  return new Date(2026, 10, 20 - days, hour).toISOString();
}

describe("groupByDay", () => {
  it("keeps the order and names the days", () => {
    const times = [daysBefore(0, 8), daysBefore(1, 23), daysBefore(3), daysBefore(12), daysBefore(60)];
    const groups = groupByDay(times, (time) => time, NOW);
    expect(groups.map((group) => group.label)).toEqual([
      "Today",
      "Yesterday",
      "Tuesday",
      "Last 30 days",
      "September 2026",
    ]);
  });

  it("gives pinned ones a heading of their own, however old they are", () => {
    const first = { time: daysBefore(60), isPinned: true };
    const last = { time: daysBefore(60), isPinned: false };
    const labels = groupByDay([first, last], (i) => i.time, NOW, (i) => i.isPinned);
    expect(labels.map((group) => group.label)).toEqual(["Pinned", "September 2026"]);
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
