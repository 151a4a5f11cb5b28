"use client";

import { Search, X } from "lucide-react";
import { type KeyboardEvent, type RefObject, useSyncExternalStore } from "react";
import type { SearchBox } from "./use-search-box";
import { QUERY_MAX_CHARS } from "@/lib/api/search";
import { keyCaps, SHORTCUTS } from "@/lib/shortcuts";

interface SearchFieldProps {
  readonly box: SearchBox;
  readonly inputRef: RefObject<HTMLInputElement | null>;
}

/** The text field of the search; arrow keys go through what was found, the focus stays here. */
export function SearchField({ box, inputRef }: SearchFieldProps) {
  const { typed, isOpen } = box;

  function onKeyDown(event: KeyboardEvent): void {
    if (event.nativeEvent.isComposing || !box.press(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  return (
    <div role="search" className="relative min-w-0 flex-1">
      <Search
        aria-hidden="true"
        className="pointer-events-none absolute top-1/2 left-2.5 size-4 -translate-y-1/2 text-ink-soft"
      />
      <input
        ref={inputRef}
        type="text"
        role="combobox"
        aria-label="Search conversations"
        aria-expanded={isOpen}
        aria-controls={isOpen ? box.listId : undefined}
        aria-activedescendant={box.activeId}
        aria-autocomplete="list"
        aria-keyshortcuts="Control+K Meta+K"
        enterKeyHint="search"
        autoComplete="off"
        spellCheck={false}
        placeholder="Search"
        maxLength={QUERY_MAX_CHARS}
        value={typed}
        onChange={(event) => box.type(event.target.value)}
        onKeyDown={onKeyDown}
        data-testid="search"
        data-own-escape={isOpen || undefined}
        className="h-9 w-full rounded-xl border border-transparent bg-hover pr-9 pl-8.5 text-sm transition-colors placeholder:text-ink-soft hover:border-line-strong pointer-coarse:h-11 pointer-coarse:text-base"
      />
      {typed === "" ? (
        <ShortcutHint />
      ) : (
        <button
          type="button"
          aria-label="Clear the search"
          onClick={() => {
            box.clear();
            inputRef.current?.focus();
          }}
          className="absolute top-1/2 right-1 flex size-7 -translate-y-1/2 items-center justify-center rounded-lg text-ink-soft hover:text-ink pointer-coarse:size-10 pointer-coarse:right-0.5"
        >
          <X className="size-4" />
        </button>
      )}
    </div>
  );
}

/** Which keys lead here; phones have none. */
function ShortcutHint() {
  const keys = SHORTCUTS.find(({ action }) => action === "search")?.keys[0];
  const text = useSyncExternalStore(
    () => () => undefined,
    () => (keys ? keyCaps(keys).join(" ") : ""),
    () => "",
  );
  return (
    <kbd
      aria-hidden="true"
      className="pointer-events-none absolute top-1/2 right-2.5 -translate-y-1/2 font-sans text-xs text-ink-soft pointer-coarse:hidden"
    >
      {text}
    </kbd>
  );
}
