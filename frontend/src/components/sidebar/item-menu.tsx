"use client";

import {
  Archive,
  ArchiveRestore,
  Download,
  Ellipsis,
  PencilLine,
  Pin,
  PinOff,
  Share2,
  Trash2,
} from "lucide-react";
import { useRef } from "react";
import type { ListActions } from "./list-actions";
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuSeparator,
  DropdownMenuTrigger,
} from "@/components/ui/dropdown-menu";
import type { ConversationSummary } from "@/lib/api/conversations";

interface ItemMenuProps {
  readonly item: ConversationSummary;
  readonly actions: ListActions;
  readonly onRename: () => void;
}

export function ItemMenu({ item, actions, onRename }: ItemMenuProps) {
  // The title field, a dialog or the next entry takes the focus: the menu must not pull it back.
  const isLeaving = useRef(false);
  return (
    <DropdownMenu modal={false}>
      <DropdownMenuTrigger asChild>
        <button
          type="button"
          aria-label={`Options for ${item.title}`}
          data-testid="conversation-menu"
          className="absolute right-1 flex size-8 items-center justify-center rounded-lg text-ink-soft -outline-offset-2 hover:text-ink focus-visible:opacity-100 data-[state=open]:opacity-100 pointer-coarse:size-11 pointer-coarse:right-0 pointer-fine:opacity-0 pointer-fine:group-hover:opacity-100 pointer-fine:group-focus-within:opacity-100"
        >
          <Ellipsis className="size-4" />
        </button>
      </DropdownMenuTrigger>
      <DropdownMenuContent
        align="start"
        onCloseAutoFocus={(event) => {
          if (isLeaving.current) event.preventDefault();
          isLeaving.current = false;
        }}
      >
        <Items
          item={item}
          actions={actions}
          onRename={onRename}
          onLeave={() => {
            isLeaving.current = true;
          }}
        />
      </DropdownMenuContent>
    </DropdownMenu>
  );
}

interface ItemsProps extends ItemMenuProps {
  readonly onLeave: () => void;
}

function Items({ item, actions, onRename, onLeave }: ItemsProps) {
  const { isPinned, isArchived } = item;
  const leave = (action: () => void) => () => {
    onLeave();
    action();
  };
  return (
    <>
      <DropdownMenuItem onSelect={leave(() => actions.share(item))} data-testid="share">
        <Share2 />
        Share…
      </DropdownMenuItem>
      <DropdownMenuItem onSelect={leave(onRename)} data-testid="rename">
        <PencilLine />
        Rename
      </DropdownMenuItem>
      {!isArchived && (
        <DropdownMenuItem
          onSelect={() => actions.change(item, { isPinned: !isPinned })}
          data-testid="pin"
        >
          {isPinned ? <PinOff /> : <Pin />}
          {isPinned ? "Unpin" : "Pin"}
        </DropdownMenuItem>
      )}
      <DropdownMenuItem onSelect={leave(() => actions.archive(item))} data-testid="archive">
        {isArchived ? <ArchiveRestore /> : <Archive />}
        {isArchived ? "Move back to the list" : "Archive"}
      </DropdownMenuItem>
      <DropdownMenuItem onSelect={leave(() => actions.exportItem(item))} data-testid="export">
        <Download />
        Export…
      </DropdownMenuItem>
      <DropdownMenuSeparator />
      <DropdownMenuItem
        onSelect={leave(() => actions.remove(item))}
        className="text-bark [&_svg]:text-bark"
        data-testid="delete"
      >
        <Trash2 />
        Delete
      </DropdownMenuItem>
    </>
  );
}
