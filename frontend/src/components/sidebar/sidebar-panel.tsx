"use client";

import { ArrowLeft, PanelLeftClose, SquarePen, X } from "lucide-react";
import { type ReactNode, type RefObject, useRef } from "react";
import { AccountMenu } from "./account-menu";
import { ConversationList } from "./conversation-list";
import { ImportStatus, ImportZone } from "./import-zone";
import { ListDialogs } from "./list-dialogs";
import { ListMenu } from "./list-menu";
import { SearchField } from "./search-field";
import { SearchResults } from "./search-results";
import { SelectionBar } from "./selection-bar";
import { useListActions } from "./use-list-actions";
import { useSearchBox } from "./use-search-box";
import { useSelection } from "./use-selection";
import { Brand } from "@/components/brand";
import { Button } from "@/components/ui/button";
import { IconButton } from "@/components/ui/icon-button";
import { useConversations } from "@/hooks/use-conversations";
import { useImport } from "@/hooks/use-import";
import { showConversation } from "@/hooks/use-shown-conversation";
import type { ListView } from "@/lib/conversation-list";

interface SidebarPanelProps {
  readonly conversation: number | null;
  readonly view: ListView;
  readonly onViewChange: (view: ListView) => void;
  readonly searchRef: RefObject<HTMLInputElement | null>;
  /** Something was chosen: a drawer closes. */
  readonly onPicked: () => void;
  readonly onNewChat: () => void;
  readonly onClose: () => void;
  readonly isDrawer: boolean;
}

export function SidebarPanel(props: SidebarPanelProps) {
  const { conversation, view, onViewChange, searchRef, onPicked } = props;
  const fileInput = useRef<HTMLInputElement>(null);
  const menuButton = useRef<HTMLButtonElement>(null);
  const list = useConversations(view);
  const imports = useImport();
  const { actions, dialog, openDialog, closeDialog } = useListActions({
    onPicked,
    onToggle: (id) => selection.toggle(id),
  });
  const selection = useSelection(list.data, {
    onExport: (items) => openDialog({ kind: "export", items }),
    onLeave: () => requestAnimationFrame(() => menuButton.current?.focus()),
  });
  const box = useSearchBox((id, message) => {
    showConversation(id, { message });
    onPicked();
  });

  function changeView(next: ListView): void {
    selection.leave();
    onViewChange(next);
  }

  return (
    <ImportZone onFiles={(files) => void imports.start(files)}>
      <PanelHead {...props} />
      <EscapeArea isOn={selection.ids !== null} onEscape={selection.leave}>
        {selection.ids !== null ? (
          <SelectionBar
            chosen={selection.chosen}
            shownCount={list.data?.length ?? 0}
            view={view}
            actions={selection.actions}
          />
        ) : (
          <div className="flex items-center gap-1 px-3">
            <SearchField box={box} inputRef={searchRef} />
            <ListMenu
              triggerRef={menuButton}
              canSelect={(list.data?.length ?? 0) > 0}
              isArchive={view === "archived"}
              onSelectSeveral={() => {
                box.clear();
                selection.enter();
              }}
              onImport={() => fileInput.current?.click()}
              onArchive={() => changeView("archived")}
            />
          </div>
        )}
        {view === "archived" && !box.isOpen && <ArchiveHead onBack={() => changeView("active")} />}
          {box.isOpen ? (
            <SearchResults box={box} conversation={conversation} />
          ) : (
            <ConversationList
              list={list}
              view={view}
              conversation={conversation}
              selection={selection.ids}
              actions={actions}
            />
          )}
      </EscapeArea>
      <ImportStatus state={imports} />
      <FileInput inputRef={fileInput} onFiles={(files) => void imports.start(files)} />
      <div className="border-t p-3">
        <AccountMenu />
      </div>
      <ListDialogs dialog={dialog} onClose={closeDialog} />
    </ImportZone>
  );
}

function PanelHead({ isDrawer, onClose, onNewChat }: SidebarPanelProps) {
  return (
    <>
      <div className="flex h-14 shrink-0 items-center justify-between pr-2 pl-4">
        <Brand />
        <IconButton
          label={isDrawer ? "Close" : "Hide the sidebar"}
          side="bottom"
          onClick={onClose}
          data-testid="sidebar-collapse"
        >
          {isDrawer ? <X className="size-5" /> : <PanelLeftClose className="size-5" />}
        </IconButton>
      </div>
      <div className="px-3 pt-1 pb-2">
        <Button
          variant="outline"
          size="small"
          className="w-full pointer-coarse:h-11"
          onClick={onNewChat}
          data-testid="new-chat"
        >
          <SquarePen className="size-4" />
          New chat
        </Button>
      </div>
    </>
  );
}

function ArchiveHead({ onBack }: { onBack: () => void }) {
  return (
    <div className="flex items-center gap-1 px-3 pt-2">
      <IconButton isSmall label="Back to all conversations" onClick={onBack} data-testid="archive-back">
        <ArrowLeft />
      </IconButton>
      <h2 className="text-sm font-medium">Archived</h2>
    </div>
  );
}

interface EscapeAreaProps {
  readonly isOn: boolean;
  readonly onEscape: () => void;
  readonly children: ReactNode;
}

/** Escape leaves the selecting, wherever in the list the focus is. */
function EscapeArea({ isOn, onEscape, children }: EscapeAreaProps) {
  return (
    <div
      // In a window that is low or zoomed the list keeps some lines, and the drawer scrolls.
      className="flex min-h-44 flex-1 flex-col"
      data-own-escape={isOn || undefined}
      onKeyDown={(event) => {
        if (!isOn || event.key !== "Escape") return;
        event.preventDefault();
        onEscape();
      }}
    >
      {children}
    </div>
  );
}

interface FileInputProps {
  readonly inputRef: RefObject<HTMLInputElement | null>;
  readonly onFiles: (files: readonly File[]) => void;
}

/** Opened by the menu, never shown. */
function FileInput({ inputRef, onFiles }: FileInputProps) {
  return (
    <input
      ref={inputRef}
      type="file"
      multiple
      hidden
      accept=".json,.jsonl,application/json"
      aria-label="Files to import"
      data-testid="import-files"
      onChange={(event) => {
        onFiles([...(event.target.files ?? [])]);
        // The same file can be chosen again.
        event.target.value = "";
      }}
    />
  );
}
