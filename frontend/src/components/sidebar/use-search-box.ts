"use client";

import { useId, useState } from "react";
import { useSearch } from "@/hooks/use-search";
import type { FoundConversation } from "@/lib/api/search";

/** One line that can be chosen: a conversation, or a message in it. */
export interface SearchOption {
  readonly id: string;
  readonly conversation: number;
  readonly message: number | null;
}

export interface SearchBox {
  readonly typed: string;
  readonly isOpen: boolean;
  readonly isWithArchived: boolean;
  readonly found: ReturnType<typeof useSearch>;
  readonly listId: string;
  readonly activeId: string | undefined;
  readonly type: (text: string) => void;
  readonly clear: () => void;
  readonly setWithArchived: (isWith: boolean) => void;
  readonly optionId: (conversation: number, message: number | null) => string;
  readonly open: (option: Pick<SearchOption, "conversation" | "message">) => void;
  /** A key in the field; true when it meant something here. */
  readonly press: (key: string) => boolean;
}

/** The state of the search: what is typed, what was found, which line the arrow keys are on. */
export function useSearchBox(
  onOpen: (conversation: number, message: number | null) => void,
): SearchBox {
  const [typed, setTyped] = useState("");
  const [isWithArchived, setIsWithArchived] = useState(false);
  const [active, setActive] = useState<string | null>(null);
  const found = useSearch(typed, isWithArchived);
  const listId = useId();
  const isOpen = typed.trim() !== "";
  const optionId = (conversation: number, message: number | null): string =>
    `${listId}-${conversation}-${message ?? "title"}`;
  const options = isOpen ? (found.items ?? []).flatMap((item) => optionsOf(item, optionId)) : [];
  const activeAt = options.findIndex(({ id }) => id === active);

  function type(text: string): void {
    setTyped(text);
    setActive(null);
  }

  function move(by: 1 | -1): void {
    const from = activeAt < 0 && by < 0 ? 0 : activeAt;
    const next = options.at((from + by) % options.length);
    if (next === undefined) return;
    setActive(next.id);
    document.getElementById(next.id)?.scrollIntoView({ block: "nearest" });
  }

  function press(key: string): boolean {
    if (!isOpen) return false;
    if (key === "Escape") type("");
    else if (key === "ArrowDown") move(1);
    else if (key === "ArrowUp") move(-1);
    else if (key === "Enter") {
      // While the list is behind the text, its first line is not what was asked for.
      const option = options[activeAt] ?? (found.isBehind ? undefined : options[0]);
      if (option) onOpen(option.conversation, option.message);
    } else return false;
    return true;
  }

  return {
    typed,
    isOpen,
    isWithArchived,
    found,
    listId,
    activeId: options[activeAt]?.id,
    type,
    clear: () => type(""),
    setWithArchived: setIsWithArchived,
    optionId,
    open: ({ conversation, message }) => onOpen(conversation, message),
    press,
  };
}

function optionsOf(
  item: FoundConversation,
  optionId: SearchBox["optionId"],
): readonly SearchOption[] {
  const messages = [null, ...item.matches.map(({ message }) => message)];
  return messages.map((message) => ({
    id: optionId(item.id, message),
    conversation: item.id,
    message,
  }));
}
