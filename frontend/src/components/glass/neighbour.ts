/** Which token an arrow key leads to. */

export const STEP_KEYS = new Set([
  "ArrowLeft",
  "ArrowRight",
  "ArrowUp",
  "ArrowDown",
  "Home",
  "End",
]);

/** Its index; the current one where there is no other in that direction. */
export function neighbour(tokens: readonly HTMLElement[], current: number, key: string): number {
  const last = tokens.length - 1;
  switch (key) {
    case "Home":
      return 0;
    case "End":
      return last;
    case "ArrowLeft":
      return Math.max(0, current - 1);
    case "ArrowRight":
      return Math.min(last, current + 1);
    default:
      return inNextLine(tokens, current, key === "ArrowDown" ? 1 : -1);
  }
}

/** The nearest one in the line above or below. */
function inNextLine(tokens: readonly HTMLElement[], current: number, step: 1 | -1): number {
  const from = tokens[current]?.getBoundingClientRect();
  if (from === undefined) return current;
  let line: number | null = null;
  let best = current;
  let distance = Infinity;
  for (let index = current + step; index >= 0 && index < tokens.length; index += step) {
    const rect = tokens[index]?.getBoundingClientRect();
    if (rect === undefined || Math.abs(rect.top - from.top) < from.height / 2) continue;
    line ??= rect.top;
    if (Math.abs(rect.top - line) >= from.height / 2) break;
    const away = Math.abs(rect.left + rect.width / 2 - (from.left + from.width / 2));
    if (away < distance) [best, distance] = [index, away];
  }
  return best;
}
