/** Ids of stream entries, "milliseconds-number", and their order. */
export function isAfter(id: string, other: string): boolean {
  const [ms, number] = parts(id);
  const [otherMs, otherNumber] = parts(other);
  return ms === otherMs ? number > otherNumber : ms > otherMs;
}

function parts(id: string): readonly [number, number] {
  const [ms = "0", number = "0"] = id.split("-");
  return [Number(ms), Number(number)];
}
