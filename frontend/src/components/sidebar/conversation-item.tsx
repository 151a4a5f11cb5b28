"use client";

import { Ellipsis, PencilLine, Trash2 } from "lucide-react";
import { type KeyboardEvent, type MouseEvent, useRef, useState } from "react";
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuTrigger,
} from "@/components/ui/dropdown-menu";
import { useRenameConversation } from "@/hooks/use-conversations";
import { conversationHref, showConversation } from "@/hooks/use-shown-conversation";
import type { ConversationSummary } from "@/lib/api/conversations";
import { cn } from "@/lib/cn";

interface ConversationItemProps {
  readonly item: ConversationSummary;
  readonly isShown: boolean;
  readonly onPick: () => void;
  readonly onDelete: () => void;
}

export function ConversationItem({ item, isShown, onPick, onDelete }: ConversationItemProps) {
  const [isRenaming, setIsRenaming] = useState(false);
  const rename = useRenameConversation();

  function pick(event: MouseEvent): void {
    // A new tab or window is the browser's business.
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    showConversation(item.id);
    onPick();
  }

  function finishRename(title: string | null): void {
    setIsRenaming(false);
    if (title && title !== item.title) rename.mutate({ id: item.id, title });
  }

  return (
    <li
      data-testid="conversation-item"
      className={cn(
        "group relative flex items-center rounded-xl transition-colors",
        isShown ? "bg-hover" : "hover:bg-hover",
      )}
    >
      {isRenaming ? (
        <TitleInput title={item.title} onDone={finishRename} />
      ) : (
        <>
          <a
            href={conversationHref(item.id)}
            onClick={pick}
            aria-current={isShown ? "page" : undefined}
            title={item.title}
            className={cn("min-w-0 flex-1 truncate rounded-xl py-2 pr-10 pl-2.5 text-sm", isShown && "font-medium")}
          >
            {item.title}
          </a>
          <ItemMenu title={item.title} onRename={() => setIsRenaming(true)} onDelete={onDelete} />
        </>
      )}
    </li>
  );
}

interface ItemMenuProps {
  readonly title: string;
  readonly onRename: () => void;
  readonly onDelete: () => void;
}

function ItemMenu({ title, onRename, onDelete }: ItemMenuProps) {
  const isLeavingToInput = useRef(false);
  return (
    <DropdownMenu modal={false}>
      <DropdownMenuTrigger asChild>
        <button
          type="button"
          aria-label={`Options for ${title}`}
          data-testid="conversation-menu"
          className="absolute right-1 flex size-8 items-center justify-center rounded-lg text-ink-soft hover:text-ink focus-visible:opacity-100 data-[state=open]:opacity-100 pointer-fine:opacity-0 pointer-fine:group-hover:opacity-100 pointer-fine:group-focus-within:opacity-100"
        >
          <Ellipsis className="size-4" />
        </button>
      </DropdownMenuTrigger>
      <DropdownMenuContent
        align="start"
        // The title field takes the focus, so the menu must not pull it back to its button.
        onCloseAutoFocus={(event) => isLeavingToInput.current && event.preventDefault()}
      >
        <DropdownMenuItem
          onSelect={() => {
            isLeavingToInput.current = true;
            onRename();
          }}
          data-testid="rename"
        >
          <PencilLine />
          Rename
        </DropdownMenuItem>
        <DropdownMenuItem
          onSelect={onDelete}
          className="text-bark [&_svg]:text-bark"
          data-testid="delete"
        >
          <Trash2 />
          Delete
        </DropdownMenuItem>
      </DropdownMenuContent>
    </DropdownMenu>
  );
}

interface TitleInputProps {
  readonly title: string;
  /** Null when given up. */
  readonly onDone: (title: string | null) => void;
}

function TitleInput({ title, onDone }: TitleInputProps) {
  const [draft, setDraft] = useState(title);

  function onKeyDown(event: KeyboardEvent): void {
    if (event.key === "Enter" && !event.nativeEvent.isComposing) onDone(draft.trim());
    if (event.key === "Escape") {
      event.stopPropagation();
      onDone(null);
    }
  }

  return (
    <input
      aria-label="Title"
      data-testid="title-input"
      autoFocus
      onFocus={(event) => event.target.select()}
      value={draft}
      maxLength={120}
      onChange={(event) => setDraft(event.target.value)}
      onBlur={() => onDone(draft.trim())}
      onKeyDown={onKeyDown}
      className="w-full rounded-xl bg-raised px-2.5 py-2 text-sm"
    />
  );
}
