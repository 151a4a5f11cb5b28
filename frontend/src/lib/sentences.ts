/** Parts a growing text into sentences, for those who listen to it. */

export interface Heard {
  readonly sentences: readonly string[];
  /** Up to where the text has now been read out. */
  readonly upTo: number;
}

/** The sentences after `from` that are finished: something else has begun behind them. */
export function finishedSentences(text: string, from: number): Heard {
  const segments = segmentsOf(text.slice(from));
  const last = segments.pop();
  return {
    sentences: segments.map((segment) => segment.trim()).filter((segment) => segment !== ""),
    upTo: text.length - (last?.length ?? 0),
  };
}

/** Where the browser cannot tell sentences apart, lines will do. */
function segmentsOf(text: string): string[] {
  if (!("Segmenter" in Intl)) return text.split(/(?<=\n)/);
  return [...segmenter().segment(text)].map(({ segment }) => segment);
}

let shared: Intl.Segmenter | null = null;

function segmenter(): Intl.Segmenter {
  shared ??= new Intl.Segmenter("en", { granularity: "sentence" });
  return shared;
}
