/**
 * A guess at how hard a password is to find, for a hint while it is typed; the server's validators
 * are the judge. It counts roughly what each part adds for somebody who guesses cleverly: known
 * words, years, runs and repeats are worth little, whatever their length.
 */

export const MIN_PASSWORD_CHARS = 8;

export interface PasswordStrength {
  /** 0 (cannot be used) to 4. */
  readonly level: 0 | 1 | 2 | 3 | 4;
  readonly word: string;
  /** What would make it better; empty when nothing needs to. */
  readonly advice: string;
}

const LEVELS = [
  { below: 24, level: 1, word: "Weak", advice: "Easy to guess. A few unrelated words are better." },
  { below: 36, level: 2, word: "Fair", advice: "One more word would make it good." },
  { below: 50, level: 3, word: "Good", advice: "" },
  { below: Infinity, level: 4, word: "Strong", advice: "" },
] as const;

/** Found in nearly every list of leaked passwords. */
const COMMON =
  /password|passw|qwert[yz]?|asdf(?:gh)?|yxcv|zxcv|letmein|welcome|admin|login|dragon|monkey|football|baseball|iloveyou|princess|sunshine|shadow|master|superman|batman|trustno|hello|secret|whatever|summer|winter|spring|autumn|starwars|pokemon|chocolate|computer|internet|freedom|michael|jordan|charlie|eugpt/g;

const WORD_BITS = 7;
const YEAR_BITS = 6;
const REPEAT_BITS = 1;

export function passwordStrength(password: string, username = ""): PasswordStrength {
  const missing = MIN_PASSWORD_CHARS - [...password].length;
  if (missing > 0) {
    const advice = `${missing} more ${missing === 1 ? "character" : "characters"} needed.`;
    return { level: 0, word: "Too short", advice };
  }
  if (/^\d+$/.test(password)) {
    return { level: 0, word: "Digits only", advice: "Add letters or words." };
  }
  const bits = guessBits(password, username);
  const { level, word, advice } = LEVELS.find(({ below }) => bits < below) ?? LEVELS[0];
  return { level, word, advice };
}

function guessBits(password: string, username: string): number {
  let bits = /\p{Lu}/u.test(password.slice(1)) ? 4 : 0;
  let rest = plain(password);
  const take = (pattern: RegExp | string, worth: number): void => {
    const parts = rest.split(pattern);
    bits += (parts.length - 1) * worth;
    rest = parts.join("\u0000");
  };
  if (username.length >= 3) take(plain(username), 2);
  take(COMMON, WORD_BITS);
  take(/(?:19|20)\d\d/g, YEAR_BITS);
  return [...rest].reduce(
    (sum, char, at, all) => sum + charBits(char, all[at - 1], all[at - 2]),
    bits,
  );
}

/** Lower case, and the usual replacements of letters undone. */
function plain(text: string): string {
  const undone: Record<string, string> = { "0": "o", "3": "e", "@": "a", $: "s" };
  return text.toLowerCase().replace(/[03@$](?=\p{L})|(?<=\p{L})[03@$]/gu, (c) => undone[c] ?? c);
}

function charBits(char: string, before: string | undefined, twoBefore: string | undefined): number {
  if (char === "\u0000") return 0;
  const step = stepFrom(before, char);
  // A run (abcd, 4321) or a repetition tells the next sign.
  if (step === 0 || (Math.abs(step) === 1 && step === stepFrom(twoBefore, before))) {
    return REPEAT_BITS;
  }
  if (/\d/.test(char)) return 3.3;
  // Within words one letter tells much of the next.
  return /\p{L}/u.test(char) ? 2.8 : 5;
}

function stepFrom(from: string | undefined, to: string | undefined): number {
  if (from === undefined || to === undefined) return Number.NaN;
  return (to.codePointAt(0) ?? 0) - (from.codePointAt(0) ?? 0);
}
