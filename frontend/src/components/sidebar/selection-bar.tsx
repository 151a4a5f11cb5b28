"use client";

import { Archive, ArchiveRestore, Download, Pin, PinOff, Trash2, X } from "lucide-react";
import type { ReactNode } from "react";
import { Checkbox } from "@/components/ui/checkbox";
import { IconButton } from "@/components/ui/icon-button";
import type { ListView } from "@/lib/conversation-list";
import type { ConversationSummary } from "@/lib/api/conversations";

export interface SelectionActions {
  readonly pin: (isPinned: boolean) => void;
  readonly archive: (isArchived: boolean) => void;
  readonly exportAll: () => void;
  readonly remove: () => void;
  readonly selectAll: (isAll: boolean) => void;
  readonly leave: () => void;
}

interface SelectionBarProps {
  readonly chosen: readonly ConversationSummary[];
  readonly shownCount: number;
  readonly view: ListView;
  readonly actions: SelectionActions;
}

/** Stands where the search is while several conversations are chosen. */
export function SelectionBar({ chosen, shownCount, view, actions }: SelectionBarProps) {
  const count = chosen.length;
  const isAll = count > 0 && count === shownCount;
  const isPinned = count > 0 && chosen.every((item) => item.isPinned);
  const isArchived = view === "archived";
  return (
    <div role="toolbar" aria-label="Selection" className="px-3 pb-1" data-testid="selection-bar">
      <div className="flex items-center gap-1 rounded-xl pl-1.5">
        <label className="flex min-w-0 flex-1 cursor-pointer items-center gap-2.5 text-sm font-medium">
          <Checkbox
            autoFocus
            aria-label="Select all shown"
            checked={isAll ? true : count > 0 ? "indeterminate" : false}
            onCheckedChange={() => actions.selectAll(!isAll)}
            data-testid="select-all"
          />
          <span role="status">{count === 0 ? "Select all shown" : `${count} selected`}</span>
        </label>
        <IconButton isSmall label="Stop selecting" onClick={actions.leave} data-testid="select-end">
          <X />
        </IconButton>
      </div>
      <div className="mt-1 grid grid-cols-4 gap-1">
        <BarButton
          label={isPinned ? "Unpin" : "Pin"}
          isOff={count === 0 || isArchived}
          onClick={() => actions.pin(!isPinned)}
        >
          {isPinned ? <PinOff /> : <Pin />}
        </BarButton>
        <BarButton
          label={isArchived ? "Restore" : "Archive"}
          isOff={count === 0}
          onClick={() => actions.archive(!isArchived)}
        >
          {isArchived ? <ArchiveRestore /> : <Archive />}
        </BarButton>
        <BarButton label="Export" isOff={count === 0} onClick={actions.exportAll}>
          <Download />
        </BarButton>
        <BarButton label="Delete" isOff={count === 0} onClick={actions.remove}>
          <Trash2 />
        </BarButton>
      </div>
    </div>
  );
}

interface BarButtonProps {
  readonly label: string;
  readonly isOff: boolean;
  readonly onClick: () => void;
  readonly children: ReactNode;
}

function BarButton({ label, isOff, onClick, children }: BarButtonProps) {
  return (
    <button
      type="button"
      disabled={isOff}
      onClick={onClick}
      data-testid={`bulk-${label.toLowerCase()}`}
      className="flex flex-col items-center gap-1 rounded-xl border border-line bg-raised py-1.5 text-xs text-ink transition-colors hover:bg-hover disabled:opacity-45 [&_svg]:size-4 [&_svg]:text-ink-soft"
    >
      {children}
      {label}
    </button>
  );
}
