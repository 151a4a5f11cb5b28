/** How an answer was made, in words. */
import type { SamplingParams } from "./chat/params";
import { KNOBS, valueOf, type KnobName } from "./sampling";

/** Seconds as people read them. */
export function duration(seconds: number): string {
  return seconds < 1 ? `${Math.round(seconds * 1_000)} ms` : `${seconds.toFixed(1)} s`;
}

/** The settings that made a difference, one sentence each. */
export function samplingWords(params: SamplingParams): readonly string[] {
  const value = (name: KnobName): number =>
    KNOBS.reduce((found, knob) => (knob.name === name ? valueOf(params, knob) : found), 0);
  const temperature = value("temperature");
  const topK = value("top_k");
  const topP = value("top_p");
  const minP = value("min_p");
  const penalty = value("repetition_penalty");
  const isDrawn = temperature > 0;
  const lines = [
    isDrawn ? `${mood(temperature)}: temperature ${temperature}` : "Always the likeliest token",
    isDrawn && topK > 0 && `Drawn from the ${topK} likeliest tokens`,
    isDrawn && topP < 1 && `From those that together reach ${Math.round(topP * 100)}%`,
    isDrawn && minP > 0 && `None below ${Math.round(minP * 100)}% of the best one’s chance`,
    penalty !== 1 && `Said before: ${penalty > 1 ? "less" : "more"} likely again (penalty ${penalty})`,
    `At most ${value("max_tokens")} tokens`,
  ];
  return lines.filter((line) => line !== false);
}

function mood(temperature: number): string {
  if (temperature < 0.5) return "Calm";
  return temperature <= 0.9 ? "Balanced" : "Daring";
}
