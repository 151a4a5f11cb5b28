/** Answers that were asked for once more with their seed: what the first one said. */

interface Replay {
  readonly seed: number;
  readonly generation: string;
  readonly text: string;
}

/** More than anybody compares before the page is closed. */
const KEPT_MAX = 20;
let replays: readonly Replay[] = [];

export function noteReplay(replay: Replay): void {
  replays = [replay, ...replays.filter(({ seed }) => seed !== replay.seed)].slice(0, KEPT_MAX);
}

export function forgetReplays(): void {
  replays = [];
}

/** Whether an answer says what the one it replays has said; null where it is no replay. */
export function isSameAsBefore(answer: Replay): boolean | null {
  const before = replays.find(({ seed }) => seed === answer.seed);
  if (before === undefined || before.generation === answer.generation) return null;
  if (answer.text === before.text) return true;
  // An answer that goes on has the seed of the one it goes on with.
  return answer.text.startsWith(before.text) ? null : false;
}
