"use client";

import { Dialog } from "@/components/ui/dialog";
import { usePreferences } from "@/hooks/use-preferences";
import { keyCaps, type Shortcut, SHORTCUTS } from "@/lib/shortcuts";

const GROUPS = ["Chat", "Answers", "Page"] as const;

export function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog
      isOpen
      onOpenChange={(isOpen) => !isOpen && onClose()}
      title="Keyboard shortcuts"
      description="They work while you write, too, except the single characters."
    >
      <div className="space-y-5" data-testid="shortcuts">
        {GROUPS.map((group) => (
          <section key={group} aria-label={group}>
            <h3 className="mb-1 text-sm font-semibold text-ink-soft">{group}</h3>
            <dl className="divide-y">
              {SHORTCUTS.filter((shortcut) => shortcut.group === group).map((shortcut) => (
                <Row key={shortcut.action} shortcut={shortcut} />
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}

function Row({ shortcut }: { shortcut: Shortcut }) {
  const { hasCharacterKeys } = usePreferences();
  const keys = shortcut.keys.filter(({ kind }) => hasCharacterKeys || kind !== "character");
  return (
    <div className="flex items-center justify-between gap-4 py-1.5">
      <dt className="text-[0.9375rem]">{shortcut.label}</dt>
      <dd className="flex shrink-0 items-center gap-2 text-sm text-ink-soft">
        {keys.map((combination, index) => (
          <span key={combination.key} className="flex items-center gap-1">
            {index > 0 && <span className="mr-1">or</span>}
            {keyCaps(combination).map((cap) => (
              <kbd
                key={cap}
                className="min-w-7 rounded-md border border-line-strong bg-canvas px-1.5 py-0.5 text-center font-sans text-xs font-medium text-ink"
              >
                {cap}
              </kbd>
            ))}
          </span>
        ))}
      </dd>
    </div>
  );
}
