"use client";

import { Archive, ListChecks, ListFilter, Upload } from "lucide-react";
import { type RefObject, useRef } from "react";
import { Button } from "@/components/ui/button";
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuTrigger,
} from "@/components/ui/dropdown-menu";

interface ListMenuProps {
  readonly triggerRef: RefObject<HTMLButtonElement | null>;
  readonly canSelect: boolean;
  readonly isArchive: boolean;
  readonly onSelectSeveral: () => void;
  readonly onImport: () => void;
  readonly onArchive: () => void;
}

/** What concerns the list as a whole. */
export function ListMenu({ triggerRef, ...props }: ListMenuProps) {
  const isLeaving = useRef(false);
  return (
    <DropdownMenu modal={false}>
      <DropdownMenuTrigger asChild>
        <Button
          ref={triggerRef}
          variant="ghost"
          size="medium-icon"
          aria-label="List options"
          title="List options"
          data-testid="list-menu"
        >
          <ListFilter />
        </Button>
      </DropdownMenuTrigger>
      <DropdownMenuContent
        align="end"
        onCloseAutoFocus={(event) => {
          if (isLeaving.current) event.preventDefault();
          isLeaving.current = false;
        }}
      >
        <DropdownMenuItem
          disabled={!props.canSelect}
          className="data-disabled:opacity-45"
          onSelect={() => {
            isLeaving.current = true;
            props.onSelectSeveral();
          }}
          data-testid="select-several"
        >
          <ListChecks />
          Select several
        </DropdownMenuItem>
        {!props.isArchive && (
          <DropdownMenuItem onSelect={props.onArchive} data-testid="show-archive">
            <Archive />
            Archived conversations
          </DropdownMenuItem>
        )}
        <DropdownMenuItem onSelect={props.onImport} data-testid="import">
          <Upload />
          Import…
        </DropdownMenuItem>
      </DropdownMenuContent>
    </DropdownMenu>
  );
}
