"use client";

import { Braces, FileText, Hash } from "lucide-react";
import { Dialog } from "@/components/ui/dialog";
import { useExport } from "@/hooks/use-export";
import type { ConversationSummary } from "@/lib/api/conversations";

const CHOICES = [
  { format: "json", name: "JSON", text: "Everything, with all versions. Can be imported again.", Icon: Braces },
  { format: "md", name: "Markdown", text: "What is shown, for notes and editors.", Icon: Hash },
  { format: "txt", name: "Plain text", text: "What is shown, for everything else.", Icon: FileText },
] as const;

/** Each is a request of its own. */
const MAX = 500;

interface ExportDialogProps {
  readonly items: readonly ConversationSummary[];
  readonly onClose: () => void;
}

export function ExportDialog({ items, onClose }: ExportDialogProps) {
  const { progress, start } = useExport();
  const isTooMany = items.length > MAX;
  const what = items.length === 1 ? `“${items[0]?.title}”` : `${items.length} conversations`;
  return (
    <Dialog
      isOpen
      onOpenChange={(isOpen) => !isOpen && onClose()}
      title="Export"
      description={`${what} as a file${items.length > 1 ? ", all in one" : ""}.`}
    >
      {isTooMany ? (
        <p role="alert">At most {MAX} can be exported at a time. Select fewer.</p>
      ) : (
        <div className="grid gap-2">
          {CHOICES.map(({ format, name, text, Icon }) => (
            <button
              key={format}
              type="button"
              aria-disabled={progress !== null}
              onClick={() => void start(items, format).then((isDone) => isDone && onClose())}
              data-testid={`export-${format}`}
              className="flex items-center gap-3.5 rounded-xl border bg-raised px-4 py-3 text-left transition-colors hover:bg-hover"
            >
              <Icon className="size-5 shrink-0 text-leaf" aria-hidden="true" />
              <span className="min-w-0">
                <span className="block font-medium">{name}</span>
                <span className="block text-sm text-ink-soft">{text}</span>
              </span>
            </button>
          ))}
        </div>
      )}
      <p role="status" className="mt-3 min-h-5 text-sm text-ink-soft">
        {progress && `Reading ${progress}…`}
      </p>
    </Dialog>
  );
}
