/**
 * What was typed and not yet sent, per conversation, kept in this browser so that a reload, another
 * conversation or a closed tab loses nothing. Bounded, and wiped when somebody signs out.
 */
import { conversationOf, type TranscriptKey } from "./chat/state";
import { readFlag } from "./flags";
import { MEMBER_FLAG, type Session } from "./session";
import type { Store } from "./store";

const PREFIX = "eugpt.draft:";
const MAX_DRAFTS = 50;
const MAX_CHARS = 4_000;

export function readDraft(key: TranscriptKey): string {
  return parse(attempt(() => localStorage.getItem(nameOf(key))))?.text ?? "";
}

/** An empty text removes the draft. */
export function writeDraft(key: TranscriptKey, text: string): void {
  attempt(() => {
    if (text.trim() === "") return localStorage.removeItem(nameOf(key));
    const draft: Draft = { at: Date.now(), text: text.slice(0, MAX_CHARS) };
    if (localStorage.getItem(nameOf(key)) === null) dropOldest();
    localStorage.setItem(nameOf(key), JSON.stringify(draft));
  });
}

export function clearDrafts(): void {
  attempt(() => names().forEach((name) => localStorage.removeItem(name)));
}

/** Nobody finds what somebody else has typed. Returns what ends the watch. */
export function clearDraftsOnSignOut(session: Store<Session>): () => void {
  // Also of a session that turns out to have ended while the page was closed.
  let wasMember = readFlag(MEMBER_FLAG) !== null;
  return session.subscribe(() => {
    const { status } = session.get();
    if (wasMember && status === "guest") clearDrafts();
    if (status !== "restoring") wasMember = status === "member";
  });
}

interface Draft {
  readonly at: number;
  readonly text: string;
}

/** All new chats share one: their keys do not outlive the page. */
function nameOf(key: TranscriptKey): string {
  return PREFIX + (conversationOf(key) ?? "new");
}

function names(): string[] {
  return Object.keys(localStorage).filter((name) => name.startsWith(PREFIX));
}

/** Makes room for one more. */
function dropOldest(): void {
  const oldestFirst = names()
    .map((name) => ({ name, at: parse(localStorage.getItem(name))?.at ?? 0 }))
    .sort((a, b) => a.at - b.at);
  for (const { name } of oldestFirst.slice(0, Math.max(0, oldestFirst.length - MAX_DRAFTS + 1))) {
    localStorage.removeItem(name);
  }
}

function parse(json: string | null | undefined): Draft | null {
  try {
    const value = JSON.parse(json ?? "null") as Partial<Draft> | null;
    const isDraft = typeof value?.at === "number" && typeof value.text === "string";
    return isDraft ? { at: value.at, text: value.text.slice(0, MAX_CHARS) } : null;
  } catch {
    return null;
  }
}

/** Storage may be forbidden or full; the draft then lasts as long as the page. */
function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
