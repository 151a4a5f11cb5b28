/** Tells a focus that the person has moved by key from one that a window or a script has placed. */

const MOVES = new Set(["Tab", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End"]);

let isWatching = false;
let isMoving = false;

export function watchKeyMoves(): void {
  if (isWatching) return;
  isWatching = true;
  const stop = (): void => void (isMoving = false);
  // Before anything on the page handles the key.
  addEventListener("keydown", ({ key }) => void (isMoving = MOVES.has(key)), true);
  addEventListener("keyup", stop, true);
  addEventListener("pointerdown", stop, true);
}

/** True while the key is down. */
export function isMovingByKey(): boolean {
  return isMoving;
}
