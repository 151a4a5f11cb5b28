import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const CSS = readFileSync("src/app/globals.css", "utf8");
const LEAST_CONTRAST = 4.5;
const BACKGROUNDS = ["canvas", "raised", "glass-1", "glass-2", "glass-3", "glass-4"];

/** The colours of one theme by name; those with an alpha are left out. */
function palette(selector: string): Map<string, readonly number[]> {
  const block = CSS.slice(CSS.indexOf(`${selector} {`)).split("}")[0] ?? "";
  const colours = block.matchAll(/--([\w-]+): oklch\(([\d.]+) ([\d.]+) ([\d.]+)\)/g);
  return new Map([...colours].map(([, name = "", ...lch]) => [name, lch.map(Number)]));
}

/** Relative luminance as WCAG has it, of a colour in OKLCH (Ottosson's matrices). */
function luminance([lightness = 0, chroma = 0, hue = 0]: readonly number[]): number {
  const a = chroma * Math.cos((hue * Math.PI) / 180);
  const b = chroma * Math.sin((hue * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const clip = (value: number): number => Math.min(1, Math.max(0, value));
  const red = clip(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s);
  const green = clip(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s);
  const blue = clip(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: readonly number[], other: readonly number[]): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

describe.each([":root", '[data-theme="dark"]'])("the tints of %s", (selector) => {
  const colours = palette(selector);

  it.each(BACKGROUNDS)("leave words readable on %s", (name) => {
    const ink = colours.get("ink");
    const background = colours.get(name);
    expect(ink && background && contrast(ink, background)).toBeGreaterThan(LEAST_CONTRAST);
  });

  it("are told apart by lightness alone", () => {
    const steps = BACKGROUNDS.slice(2).map((name) => colours.get(name)?.[0] ?? 0);
    const gaps = steps.slice(1).map((step, index) => Math.abs(step - (steps[index] ?? 0)));
    expect(Math.min(...gaps)).toBeGreaterThan(0.02);
  });
});
