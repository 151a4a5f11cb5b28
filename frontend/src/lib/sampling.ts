/**
 * The six knobs of an answer that people may set as their defaults: names, ranges and words. The
 * ranges and defaults are the API's. A guest's are kept on this device, a member's on the server.
 */
import { parseParams, type SamplingParams } from "./chat/params";
import { readFlag, writeFlag } from "./flags";
import { parseJson } from "./parse";
import { Store } from "./store";

export const KNOBS = [
  {
    name: "temperature",
    label: "Temperature",
    hint: "How daring each word is: low keeps to the likeliest, high takes more surprising ones.",
    min: 0,
    max: 2,
    step: 0.05,
    standard: 0.7,
    ends: ["Calm", "Wild"],
  },
  {
    name: "top_k",
    label: "Top-k",
    hint: "Only this many of the likeliest words are in the draw; 0 lets all of them in.",
    min: 0,
    max: 200,
    step: 1,
    standard: 40,
    ends: ["All words", "200 likeliest"],
  },
  {
    name: "top_p",
    label: "Top-p",
    hint: "Only the likeliest words that together reach this share are in the draw.",
    min: 0.05,
    max: 1,
    step: 0.05,
    standard: 1,
    ends: ["Few words", "All words"],
  },
  {
    name: "min_p",
    label: "Min-p",
    hint: "Words much less likely than the best one are left out; higher is stricter.",
    min: 0,
    max: 0.5,
    step: 0.01,
    standard: 0,
    ends: ["Off", "Strict"],
  },
  {
    name: "repetition_penalty",
    label: "Repetition penalty",
    hint: "Above 1, words that were said already become less likely.",
    min: 0.8,
    max: 1.5,
    step: 0.01,
    standard: 1,
    ends: ["Repeats more", "Repeats less"],
  },
  {
    name: "max_tokens",
    label: "Longest answer",
    hint: "Where an answer is cut off, in tokens; a token is about three quarters of a word.",
    min: 10,
    max: 300,
    step: 10,
    standard: 120,
    ends: ["A line", "A page"],
  },
] as const;

export type Knob = (typeof KNOBS)[number];
export type KnobName = Knob["name"];

const GUEST_FLAG = "eugpt.sampling";

/** A guest's choices; the browser's are read by `loadGuestSampling`. */
export const guestSampling = new Store<SamplingParams>({});

export function loadGuestSampling(): void {
  guestSampling.set(readGuestSampling());
}

export function setGuestSampling(sampling: SamplingParams): void {
  writeFlag(GUEST_FLAG, isStandard(sampling) ? null : JSON.stringify(sampling));
  guestSampling.set(sampling);
}

export function valueOf(sampling: SamplingParams, knob: Knob): number {
  return sampling[knob.name] ?? knob.standard;
}

/** What is at its default is left out, so that a better default reaches everybody. */
export function withValue(sampling: SamplingParams, knob: Knob, value: number): SamplingParams {
  const { [knob.name]: old, ...others } = sampling;
  if (old === value) return sampling;
  return value === knob.standard ? others : { ...others, [knob.name]: value };
}

export function isStandard(sampling: SamplingParams): boolean {
  return Object.keys(sampling).length === 0;
}

/** Anybody can write to localStorage; what the server would refuse is left out. */
function readGuestSampling(): SamplingParams {
  const raw = parseJson(readFlag(GUEST_FLAG) ?? "");
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) return {};
  const params = parseParams(raw);
  return KNOBS.reduce<SamplingParams>((sampling, knob) => {
    const value = params[knob.name];
    const isFine = value !== undefined && value >= knob.min && value <= knob.max;
    return isFine ? withValue(sampling, knob, value) : sampling;
  }, {});
}
