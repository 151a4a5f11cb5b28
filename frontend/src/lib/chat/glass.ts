/**
 * The glass: what is shown of the tokens of an answer. Which part of the text each one stands for,
 * how likely it was, and what words and tints say so. Pure; the page draws it.
 */
import { GIVEN, type TokenChoice, type TokenTrace } from "./events";

/** A part of the text and the token, or the few, that it is made of; all parts make the text. */
export interface Piece {
  readonly text: string;
  /** Where it begins in the text. */
  readonly start: number;
  /** The place of its first token in the answer; null for words that no token is known of. */
  readonly at: number | null;
  /** A character may take several tokens: which of its bytes are whose, the text cannot tell. */
  readonly tokens: readonly TokenTrace[];
}

/** 0 is as good as certain and has no tint. */
export type TintLevel = 0 | 1 | 2 | 3 | 4;

interface Group {
  readonly at: number;
  readonly tokens: readonly TokenTrace[];
  readonly text: string;
}

const BROKEN = "\ufffd";
const BROKEN_RUNS = /(\ufffd+)/;
/** Characters of UTF-8 have up to four bytes, each of which may be a token. */
const CHAR_MAX_TOKENS = 4;
const ASCII_MAX = 0x7f;

/**
 * The text in pieces, each with its tokens. Tokens whose words have not come yet are left out;
 * words behind the last token make a piece without one.
 */
export function alignTokens(text: string, tokens: readonly TokenTrace[]): readonly Piece[] {
  const groups = groupTokens(tokens);
  const ends = fit(text, groups);
  const pieces: Piece[] = [];
  let start = 0;
  groups.forEach(({ at, tokens: members }, index) => {
    const end = ends[index] ?? start;
    if (end <= start) return;
    const isGiven = members.every(({ id }) => id === GIVEN);
    pieces.push({
      text: text.slice(start, end),
      start,
      at: isGiven ? null : at,
      tokens: isGiven ? [] : members,
    });
    start = end;
  });
  if (start < text.length) pieces.push({ text: text.slice(start), start, at: null, tokens: [] });
  return pieces;
}

/** Tokens that break a character between them belong together. */
function groupTokens(tokens: readonly TokenTrace[]): readonly Group[] {
  const groups: { at: number; tokens: TokenTrace[]; text: string }[] = [];
  tokens.forEach((token, at) => {
    const last = groups.at(-1);
    if (last?.text.endsWith(BROKEN) && token.text.startsWith(BROKEN)) {
      last.tokens.push(token);
      last.text += token.text;
    } else {
      groups.push({ at, tokens: [token], text: token.text });
    }
  });
  return groups;
}

/** Where in the text each group ends; fewer where the text is cut or is not what they say. */
function fit(text: string, groups: readonly Group[]): readonly number[] {
  const dead = new Set<number>();
  const chosen: number[] = [];
  let longest: readonly number[] = [];

  function walk(index: number, start: number): boolean {
    const group = groups[index];
    if (group === undefined || start === text.length) return start === text.length;
    const state = index * (text.length + 1) + start;
    if (dead.has(state)) return false;
    for (const end of endsOf(group, text, start)) {
      chosen[index] = end;
      if (index >= longest.length) longest = chosen.slice(0, index + 1);
      if (walk(index + 1, end)) return true;
    }
    dead.add(state);
    return false;
  }

  const isWhole = walk(0, 0);
  return isWhole ? chosen : longest;
}

/** Where a group that begins at `start` may end. */
function endsOf(group: Group, text: string, start: number): readonly number[] {
  if (group.text.includes(BROKEN)) {
    return brokenEnds(group.text.split(BROKEN_RUNS), text, start);
  }
  if (text.startsWith(group.text, start)) return [start + group.text.length];
  // An answer does not begin with the blank that its first token may have.
  const first = start === 0 ? group.text.trimStart() : group.text;
  if (first !== "" && text.startsWith(first, start)) return [start + first.length];
  // A stop string, or the rest of the stream, has cut the last one short.
  return first.startsWith(text.slice(start)) ? [text.length] : [];
}

/** Each run of broken characters stands for one to as many whole ones, none of them ASCII. */
function brokenEnds(parts: readonly string[], text: string, start: number): readonly number[] {
  let ends = [start];
  for (const part of parts) {
    if (part === "") continue;
    ends = ends.flatMap((from) => {
      if (from === text.length) return [from];
      return part.startsWith(BROKEN) ? runEnds(part.length, text, from) : literalEnd(part, text, from);
    });
  }
  return ends;
}

function literalEnd(part: string, text: string, start: number): number[] {
  const trimmed = start === 0 ? part.trimStart() : part;
  return [part, trimmed].filter((words) => text.startsWith(words, start)).slice(0, 1)
    .map((words) => start + words.length);
}

function runEnds(count: number, text: string, start: number): number[] {
  const least = Math.ceil(count / CHAR_MAX_TOKENS);
  const ends: number[] = [];
  let end = start;
  for (let chars = 1; chars <= count && end < text.length; chars++) {
    const code = text.codePointAt(end) ?? 0;
    if (code <= ASCII_MAX) break;
    end += String.fromCodePoint(code).length;
    if (chars >= least || end === text.length) ends.push(end);
  }
  return ends;
}

/** Paragraphs as pieces: what the page shows without the glass, blank lines left out. */
export function paragraphsOf(text: string, pieces: readonly Piece[]): readonly (readonly Piece[])[] {
  return paragraphRanges(text).map(([from, to]) =>
    pieces.flatMap((piece) => {
      const begin = Math.max(piece.start, from);
      const end = Math.min(piece.start + piece.text.length, to);
      return begin < end ? [{ ...piece, start: begin, text: text.slice(begin, end) }] : [];
    }),
  );
}

function paragraphRanges(text: string): readonly (readonly [number, number])[] {
  const from = text.length - text.trimStart().length;
  const to = text.trimEnd().length;
  const ranges: [number, number][] = [];
  let start = from;
  for (const gap of text.slice(0, to).matchAll(/\n\s*\n/g)) {
    if (gap.index < from) continue;
    ranges.push([start, gap.index]);
    start = gap.index + gap[0].length;
  }
  if (start < to) ranges.push([start, to]);
  return ranges;
}

/** The joint probability of the tokens that made it. */
export function pieceProbability(piece: Piece): number {
  return probability(piece.tokens.reduce((sum, { logprob }) => sum + logprob, 0));
}

export function probability(logprob: number): number {
  return Math.min(1, Math.exp(logprob));
}

interface Step {
  readonly from: number;
  readonly level: TintLevel;
  readonly words: string;
}

/** Likeliest first. */
export const STEPS: readonly Step[] = [
  { from: 0.9, level: 0, words: "almost certain" },
  { from: 0.6, level: 1, words: "likely" },
  { from: 0.3, level: 2, words: "one of a few" },
  { from: 0.1, level: 3, words: "one of several" },
  { from: 0, level: 4, words: "a surprise" },
];

const LAST_STEP: Step = { from: 0, level: 4, words: "a surprise" };

function stepOf(share: number): Step {
  return STEPS.find(({ from }) => share >= from) ?? LAST_STEP;
}

export function tintLevel(share: number): TintLevel {
  return stepOf(share).level;
}

/** How likely it was, as people say it. */
export function likelihoodWords(share: number): string {
  return stepOf(share).words;
}

/** "81%", "3.4%", "under 0.1%". */
export function percent(share: number): string {
  const value = share * 100;
  if (value > 99.9) return value >= 99.95 ? "100%" : "99.9%";
  if (value < 0.1) return "under 0.1%";
  return `${value.toFixed(value < 9.95 ? 1 : 0)}%`;
}

export interface Alternative {
  readonly id: number;
  readonly text: string;
  readonly share: number;
  readonly isChosen: boolean;
}

/** The likeliest tokens there, and the chosen one wherever it stands. */
export function alternativesOf(token: TokenTrace): readonly Alternative[] {
  const isAmong = token.top.some(({ id }) => id === token.id);
  const all: readonly TokenChoice[] = isAmong ? token.top : [...token.top, token];
  return all
    .map(({ id, text, logprob }) => ({
      id,
      text,
      share: probability(logprob),
      isChosen: id === token.id,
    }))
    .sort((a, b) => b.share - a.share);
}

export type TokenKind = "words" | "end" | "mark" | "part";

const ENDS = new Set(["<|end|>", "<|eos|>"]);
const MARK = /^<\|[a-z_]+\|>$/;

/** Some tokens are no words: the end of an answer, a mark of the format, a part of a character. */
export function tokenKind(text: string): TokenKind {
  if (ENDS.has(text)) return "end";
  if (MARK.test(text)) return "mark";
  return text.includes(BROKEN) ? "part" : "words";
}

/**
 * A token where it stands alone. Most begin with the blank before a word, which nobody misses; one
 * that goes on with the word before it says so.
 */
export function spelled(text: string, isAtStart = false): string {
  switch (tokenKind(text)) {
    case "end":
      return "end of the answer";
    case "mark":
      return "a mark of the format";
    case "part":
      return text.replaceAll(BROKEN, "") === "" ? "part of a character" : text;
    default:
      return spelledWords(text, isAtStart);
  }
}

function spelledWords(text: string, isAtStart: boolean): string {
  if (text.trim() === "") return text.replaceAll("\n", "↵").replaceAll("\t", "⇥").replaceAll(" ", "␣");
  const isGoingOn = !isAtStart && /^[\p{L}\p{N}]/u.test(text);
  const words = text.replaceAll("\n", "↵").trim();
  return isGoingOn ? `…${words}` : words;
}

/** A token as it is read out. */
export function spoken(text: string): string {
  const words = tokenKind(text) === "words" ? text.trim() : spelled(text);
  if (words !== "") return words;
  return text.includes("\n") ? "line break" : "blank";
}
