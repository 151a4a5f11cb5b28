/** Small preferences in localStorage, which may be missing or forbidden. Never tokens. */

export function readFlag(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

export function writeFlag(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch {
    // Private windows may refuse; the preference then lasts as long as the page.
  }
}
