/**
 * Choices about how the page looks and behaves on this device. They are flags in localStorage, held
 * in stores so that every part of the page and every tab sees a change at once.
 */
import { readFlag, writeFlag } from "./flags";
import { Store } from "./store";

export const MOTIONS = ["system", "reduced", "full"] as const;
export type Motion = (typeof MOTIONS)[number];

export const MOTION_FLAG = "eugpt.motion";
export const GLASS_FLAG = "eugpt.glass";
export const CHARACTER_KEYS_FLAG = "eugpt.character-keys";
const REDUCED_QUERY = "(prefers-reduced-motion: reduce)";

export interface Preferences {
  readonly motion: Motion;
  /** New pages show what the model considered, word by word. */
  readonly isGlassOn: boolean;
  /** Shortcuts of a single character; speech input and slips can press them by chance. */
  readonly hasCharacterKeys: boolean;
}

/** What the server renders, too; `loadPreferences` reads the real ones in the browser. */
const DEFAULTS: Preferences = { motion: "system", isGlassOn: false, hasCharacterKeys: true };

export const preferences = new Store<Preferences>(DEFAULTS);

export function loadPreferences(): void {
  const stored = readFlag(MOTION_FLAG);
  preferences.set({
    motion: MOTIONS.find((motion) => motion === stored) ?? DEFAULTS.motion,
    isGlassOn: readFlag(GLASS_FLAG) === "1",
    hasCharacterKeys: readFlag(CHARACTER_KEYS_FLAG) !== "0",
  });
}

export function setPreference<K extends keyof Preferences>(name: K, value: Preferences[K]): void {
  const next = { ...preferences.get(), [name]: value };
  writeFlag(MOTION_FLAG, next.motion === "system" ? null : next.motion);
  writeFlag(GLASS_FLAG, next.isGlassOn ? "1" : null);
  writeFlag(CHARACTER_KEYS_FLAG, next.hasCharacterKeys ? null : "0");
  preferences.set(next);
}

/** Sets what the style sheet looks at; `system` leaves it to the device. */
export function applyMotion(motion: Motion): void {
  if (motion === "system") delete document.documentElement.dataset.motion;
  else document.documentElement.dataset.motion = motion;
}

/** For what moves by script, smooth scrolling for instance. */
export function isMotionReduced(): boolean {
  const { motion } = document.documentElement.dataset;
  return motion === "reduced" || (motion !== "full" && matchMedia(REDUCED_QUERY).matches);
}

/** Follows the other tabs. Returns what ends it. */
export function followPreferences(): () => void {
  const flags = [MOTION_FLAG, GLASS_FLAG, CHARACTER_KEYS_FLAG];
  const onStorage = ({ key }: StorageEvent): void => {
    if (key === null || flags.includes(key)) loadPreferences();
  };
  addEventListener("storage", onStorage);
  return () => removeEventListener("storage", onStorage);
}
