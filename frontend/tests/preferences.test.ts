import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BOOT_SCRIPT } from "@/lib/boot";
import {
  followPreferences,
  isMotionReduced,
  loadPreferences,
  MOTION_FLAG,
  preferences,
  setPreference,
} from "@/lib/preferences";

function boot(): void {
  new Function(BOOT_SCRIPT)();
}

beforeEach(loadPreferences);
afterEach(() => {
  delete document.documentElement.dataset.motion;
});

describe("preferences", () => {
  it("are there again after a reload", () => {
    setPreference("motion", "reduced");
    setPreference("isGlassOn", true);
    setPreference("hasCharacterKeys", false);
    loadPreferences();
    expect(preferences.get()).toEqual({
      motion: "reduced",
      isGlassOn: true,
      hasCharacterKeys: false,
    });
  });

  it("follow the other tabs", () => {
    const stop = followPreferences();
    localStorage.setItem(MOTION_FLAG, "full");
    dispatchEvent(new StorageEvent("storage", { key: MOTION_FLAG, newValue: "full" }));
    expect(preferences.get().motion).toBe("full");
    stop();
  });
});

describe("the boot script", () => {
  it("sets the chosen motion before the first paint", () => {
    localStorage.setItem(MOTION_FLAG, "reduced");
    boot();
    expect(document.documentElement.dataset.motion).toBe("reduced");
    expect(isMotionReduced()).toBe(true);
  });

  it("leaves motion to the device otherwise, also after nonsense", () => {
    localStorage.setItem(MOTION_FLAG, "<b>");
    boot();
    expect(document.documentElement.dataset.motion).toBeUndefined();
    const matchMedia = vi.fn((query: string) => ({ matches: query.includes("reduced") }));
    vi.stubGlobal("matchMedia", matchMedia);
    expect(isMotionReduced()).toBe(true);
    document.documentElement.dataset.motion = "full";
    expect(isMotionReduced()).toBe(false);
  });
});
