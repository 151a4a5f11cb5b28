"use client";

import { memo, type MouseEvent, useState } from "react";
import { ItemMenu } from "./item-menu";
import type { ListActions } from "./list-actions";
import { TitleInput } from "./title-input";
import { Checkbox } from "@/components/ui/checkbox";
import { handFocusTo, useHandedFocus } from "@/hooks/use-handed-focus";
import { conversationHref } from "@/hooks/use-shown-conversation";
import type { ConversationSummary } from "@/lib/api/conversations";
import { cn } from "@/lib/cn";

interface ConversationItemProps {
  readonly item: ConversationSummary;
  /** From 1 of `setSize`: not all of them need be in the document. */
  readonly place: number;
  readonly setSize: number;
  readonly isShown: boolean;
  /** Null outside of selecting. */
  readonly isSelected: boolean | null;
  /** Stays the same, so that a change of one item draws one item. */
  readonly actions: ListActions;
}

export const ConversationItem = memo(function ConversationItem(props: ConversationItemProps) {
  const { item, isShown, isSelected, actions } = props;
  const [isRenaming, setIsRenaming] = useState(false);

  function finishRename(title: string | null, isByKey: boolean): void {
    if (isByKey) handFocusTo(`entry:${item.id}`);
    setIsRenaming(false);
    if (title && title !== item.title) actions.change(item, { title });
  }

  return (
    <li
      data-testid="conversation-item"
      aria-posinset={props.place}
      aria-setsize={props.setSize}
      className={cn(
        // The height is known to ListSections.
        "group relative flex h-9 items-center rounded-xl transition-colors pointer-coarse:h-11",
        isShown || isSelected ? "bg-hover" : "hover:bg-hover",
      )}
    >
      {isSelected !== null ? (
        <SelectRow item={item} isSelected={isSelected} onToggle={() => actions.toggle(item.id)} />
      ) : isRenaming ? (
        <TitleInput title={item.title} onDone={finishRename} />
      ) : (
        <>
          <ItemLink item={item} isShown={isShown} onPick={actions.pick} />
          <ItemMenu item={item} actions={actions} onRename={() => setIsRenaming(true)} />
        </>
      )}
    </li>
  );
});

interface ItemLinkProps {
  readonly item: ConversationSummary;
  readonly isShown: boolean;
  readonly onPick: (conversation: number) => void;
}

function ItemLink({ item, isShown, onPick }: ItemLinkProps) {
  function pick(event: MouseEvent): void {
    // A new tab or window is the browser's business.
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    onPick(item.id);
  }

  const link = useHandedFocus(`entry:${item.id}`);
  return (
    <a
      ref={link}
      href={conversationHref(item.id)}
      onClick={pick}
      data-item-link={item.id}
      aria-current={isShown ? "page" : undefined}
      title={item.title}
      className={cn(
        "block min-w-0 flex-1 truncate rounded-xl pr-10 pl-2.5 text-sm/9 -outline-offset-2 pointer-coarse:text-sm/11",
        isShown && "font-medium",
      )}
    >
      {item.title}
    </a>
  );
}

interface SelectRowProps {
  readonly item: ConversationSummary;
  readonly isSelected: boolean;
  readonly onToggle: () => void;
}

function SelectRow({ item, isSelected, onToggle }: SelectRowProps) {
  return (
    <label className="flex min-w-0 flex-1 cursor-pointer items-center gap-2.5 self-stretch pr-2.5 pl-1.5 text-sm">
      <Checkbox
        checked={isSelected}
        onCheckedChange={onToggle}
        data-testid="select-item"
        className="-outline-offset-1"
      />
      <span className="min-w-0 flex-1 truncate">{item.title}</span>
    </label>
  );
}
