import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { loadPreferences, setPreference } from "@/lib/preferences";
import {
  keyCaps,
  listenForShortcuts,
  registerShortcut,
  type ShortcutAction,
  SHORTCUTS,
} from "@/lib/shortcuts";

let undo: (() => void)[] = [];

function answer(action: ShortcutAction, handler = vi.fn()): ReturnType<typeof vi.fn> {
  undo.push(registerShortcut(action, handler));
  return handler;
}

function press(init: KeyboardEventInit, target: Element = document.body): KeyboardEvent {
  const event = new KeyboardEvent("keydown", { bubbles: true, cancelable: true, ...init });
  target.dispatchEvent(event);
  return event;
}

function add(html: string): Element {
  document.body.innerHTML = html;
  const element = document.body.querySelector("[data-target]");
  if (element === null) throw new Error("no target");
  return element;
}

beforeEach(() => {
  loadPreferences();
  undo = [listenForShortcuts()];
});

afterEach(() => {
  for (const end of undo) end();
  document.body.innerHTML = "";
});

const ALT_SHIFT = { altKey: true, shiftKey: true };

describe("shortcuts", () => {
  it("calls who registered, and nobody after the undo", () => {
    const handler = vi.fn();
    const end = registerShortcut("search", handler);
    expect(press({ key: "k", ctrlKey: true }).defaultPrevented).toBe(true);
    end();
    expect(press({ key: "k", ctrlKey: true }).defaultPrevented).toBe(false);
    expect(handler).toHaveBeenCalledTimes(1);
  });

  it("asks the newest first, and passes on what it has no use for", () => {
    const older = answer("stop");
    const newer = answer(
      "stop",
      vi.fn(() => false),
    );
    press({ key: "Escape" });
    expect(newer).toHaveBeenCalledTimes(1);
    expect(older).toHaveBeenCalledTimes(1);
  });

  it("lets the key through when nobody had a use for it", () => {
    answer(
      "stop",
      vi.fn(() => false),
    );
    expect(press({ key: "Escape" }).defaultPrevented).toBe(false);
  });

  it("keeps single characters out of text fields, but not combinations", () => {
    const list = answer("shortcuts");
    const search = answer("search");
    for (const html of ["<input data-target>", "<textarea data-target></textarea>"]) {
      const field = add(html);
      expect(press({ key: "?", shiftKey: true }, field).defaultPrevented).toBe(false);
      press({ key: "k", ctrlKey: true }, field);
    }
    expect(list).not.toHaveBeenCalled();
    expect(search).toHaveBeenCalledTimes(2);
    press({ key: "?", shiftKey: true }, add('<input type="checkbox" data-target>'));
    expect(list).toHaveBeenCalledTimes(1);
  });

  it("lets single characters be switched off, but not combinations", () => {
    setPreference("hasCharacterKeys", false);
    const list = answer("shortcuts");
    press({ key: "?", shiftKey: true });
    expect(list).not.toHaveBeenCalled();
    press({ key: "H", code: "KeyH", ...ALT_SHIFT });
    expect(list).toHaveBeenCalledTimes(1);
    loadPreferences();
    press({ key: "?", shiftKey: true });
    expect(list).toHaveBeenCalledTimes(1);
  });

  it("leaves Escape to search fields and takes it from the message field", () => {
    const stop = answer("stop");
    press({ key: "Escape" }, add('<input type="search" data-target>'));
    expect(stop).not.toHaveBeenCalled();
    press({ key: "Escape" }, add("<textarea data-target></textarea>"));
    expect(stop).toHaveBeenCalledTimes(1);
  });

  it("stays out of dialogs, of handled keys, of half-typed signs and of held keys", () => {
    const stop = answer("stop");
    press({ key: "Escape" }, add('<div role="dialog"><button data-target></button></div>'));
    const busy = add("<button data-target></button>");
    busy.addEventListener("keydown", (event) => event.preventDefault());
    press({ key: "Escape" }, busy);
    press({ key: "Escape", isComposing: true });
    press({ key: "Escape", repeat: true });
    expect(stop).not.toHaveBeenCalled();
  });

  it("finds letters where Option makes other signs of them, and follows the layout", () => {
    const chat = answer("new_chat");
    press({ key: "˜", code: "KeyN", ...ALT_SHIFT });
    press({ key: "N", code: "KeyL", ...ALT_SHIFT });
    press({ key: "L", code: "KeyN", ...ALT_SHIFT });
    expect(chat).toHaveBeenCalledTimes(2);
  });

  it("gives no combination to two actions", () => {
    const all = SHORTCUTS.flatMap(({ keys }) => keys.map((one) => keyCaps(one).join("+")));
    expect(new Set(all).size).toBe(all.length);
  });
});
