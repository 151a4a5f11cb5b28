/**
 * The keyboard shortcuts: which keys mean what, and who answers them on this page.
 *
 * The keys are chosen so that nobody's own keys are taken away. Alt+Shift with a letter is free in
 * Chromium, Firefox and Safari but for A, B, I and T, and no screen reader uses it (VoiceOver has
 * Control+Option, NVDA and JAWS Insert or Caps Lock); Ctrl with a letter mostly is not free. Ctrl+K
 * or ⌘K is what people expect of a search. Escape stops. Two single characters, `/` and `?`, are for
 * convenience: they never act in a text field and can be switched off (WCAG 2.1.4).
 */
import { preferences } from "./preferences";

export type ShortcutAction =
  | "new_chat"
  | "focus_message"
  | "search"
  | "toggle_sidebar"
  | "stop"
  | "copy_answer"
  | "regenerate"
  | "previous_version"
  | "next_version"
  | "toggle_glass"
  | "settings"
  | "shortcuts";

/** `code` is the place on the keyboard, for letters that Option turns into other signs. */
interface Keys {
  readonly kind: "command" | "alt_shift" | "plain" | "character";
  readonly key: string;
  readonly code?: string;
}

export interface Shortcut {
  readonly action: ShortcutAction;
  readonly group: "Chat" | "Answers" | "Page";
  readonly label: string;
  readonly keys: readonly Keys[];
}

const letter = (key: string): Keys => ({ kind: "alt_shift", key, code: `Key${key.toUpperCase()}` });
const character = (key: string): Keys => ({ kind: "character", key });

export const SHORTCUTS: readonly Shortcut[] = [
  { action: "new_chat", group: "Chat", label: "New chat", keys: [letter("n")] },
  {
    action: "focus_message",
    group: "Chat",
    label: "Go to the message field",
    keys: [letter("m"), character("/")],
  },
  { action: "search", group: "Chat", label: "Search", keys: [{ kind: "command", key: "k" }] },
  { action: "stop", group: "Answers", label: "Stop", keys: [{ kind: "plain", key: "Escape" }] },
  { action: "copy_answer", group: "Answers", label: "Copy the last answer", keys: [letter("c")] },
  { action: "regenerate", group: "Answers", label: "Answer again", keys: [letter("r")] },
  {
    action: "previous_version",
    group: "Answers",
    label: "Previous version of the answer",
    keys: [{ kind: "alt_shift", key: ",", code: "Comma" }],
  },
  {
    action: "next_version",
    group: "Answers",
    label: "Next version of the answer",
    keys: [{ kind: "alt_shift", key: ".", code: "Period" }],
  },
  { action: "toggle_glass", group: "Answers", label: "Glass on or off", keys: [letter("g")] },
  {
    action: "toggle_sidebar",
    group: "Page",
    label: "Show or hide the sidebar",
    keys: [letter("s")],
  },
  { action: "settings", group: "Page", label: "Settings", keys: [letter("o")] },
  {
    action: "shortcuts",
    group: "Page",
    label: "This list",
    keys: [letter("h"), character("?")],
  },
];

/** Returning false lets the key through: there was nothing to do. */
export type ShortcutHandler = () => unknown;

const handlers = new Map<ShortcutAction, readonly ShortcutHandler[]>();

/** The newest handler of an action goes first. Returns what takes it away again. */
export function registerShortcut(action: ShortcutAction, handler: ShortcutHandler): () => void {
  handlers.set(action, [handler, ...(handlers.get(action) ?? [])]);
  return () => {
    handlers.set(
      action,
      (handlers.get(action) ?? []).filter((other) => other !== handler),
    );
  };
}

/** Whether somebody answered. */
export function runShortcut(action: ShortcutAction): boolean {
  return (handlers.get(action) ?? []).some((handler) => handler() !== false);
}

/** Hears the keys; once on the page. Returns what ends it. */
export function listenForShortcuts(): () => void {
  addEventListener("keydown", onKeyDown);
  return () => removeEventListener("keydown", onKeyDown);
}

/** What handles a key itself, a dialog that Escape closes for instance, calls preventDefault. */
function onKeyDown(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing || event.repeat) return;
  const target = event.target instanceof Element ? event.target : null;
  if (target?.closest(LAYERS)) return;
  const pressed = SHORTCUTS.find(({ keys }) =>
    keys.some((one) => isPressed(one, event) && isAllowed(one, target)),
  );
  if (pressed && runShortcut(pressed.action)) event.preventDefault();
}

/** What lies above the page has keys of its own; the focus is inside while it is open. */
const LAYERS = '[role="dialog"], [role="alertdialog"], [role="menu"], [role="listbox"]';

function isPressed({ kind, key, code }: Keys, event: KeyboardEvent): boolean {
  const { altKey, shiftKey } = event;
  const command = isApple() ? event.metaKey : event.ctrlKey;
  const other = isApple() ? event.ctrlKey : event.metaKey;
  if (kind === "character") return event.key === key && !altKey && !command && !other;
  if (kind === "plain") return event.key === key && !altKey && !shiftKey && !command && !other;
  if (kind === "command") {
    return event.key.toLowerCase() === key && command && !altKey && !shiftKey && !other;
  }
  if (!altKey || !shiftKey || command || other) return false;
  // The letter as the layout has it; where Option or Shift made another sign of it, its place.
  const isLatin = /^[a-z]$/i.test(event.key);
  return isLatin ? event.key.toLowerCase() === key : event.code === code;
}

function isAllowed({ kind }: Keys, target: Element | null): boolean {
  if (kind === "character") return preferences.get().hasCharacterKeys && !isTyping(target);
  // Escape empties a search field or ends renaming; in the message field it is free.
  if (kind === "plain") return !isTyping(target) || target instanceof HTMLTextAreaElement;
  return true;
}

const NOT_TYPED_IN = new Set(["button", "checkbox", "radio", "range", "submit", "reset", "file"]);

function isTyping(target: Element | null): boolean {
  if (target instanceof HTMLInputElement) return !NOT_TYPED_IN.has(target.type);
  if (target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLElement && target.isContentEditable;
}

export function isApple(): boolean {
  return /Mac|iPhone|iPad/.test(navigator.platform);
}

const CAPS: Record<string, string> = { Escape: "Esc" };

/** What is printed on the keys, one entry a key. */
export function keyCaps({ kind, key }: Keys): readonly string[] {
  const last = CAPS[key] ?? key.toUpperCase();
  if (kind === "command") return [isApple() ? "⌘" : "Ctrl", last];
  if (kind === "alt_shift") return isApple() ? ["⌥", "⇧", last] : ["Alt", "Shift", last];
  return [last];
}
