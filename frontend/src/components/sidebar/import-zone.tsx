"use client";

import { Upload, X } from "lucide-react";
import { type DragEvent, type ReactNode, useRef, useState } from "react";
import { IconButton } from "@/components/ui/icon-button";
import type { ImportState } from "@/hooks/use-import";

interface ImportZoneProps {
  readonly onFiles: (files: readonly File[]) => void;
  readonly children: ReactNode;
}

/** Files that are dropped on the list are imported. */
export function ImportZone({ onFiles, children }: ImportZoneProps) {
  const [isOver, setIsOver] = useState(false);
  // Entering a child leaves its parent: only the balance says whether the files are still here.
  const depth = useRef(0);

  function track(event: DragEvent, by: 1 | -1): void {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth.current += by;
    setIsOver(depth.current > 0);
  }

  function drop(event: DragEvent): void {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth.current = 0;
    setIsOver(false);
    onFiles([...event.dataTransfer.files]);
  }

  return (
    <div
      className="relative flex min-h-0 flex-1 flex-col"
      onDragEnter={(event) => track(event, 1)}
      onDragLeave={(event) => track(event, -1)}
      onDragOver={(event) => hasFiles(event) && event.preventDefault()}
      onDrop={drop}
      data-testid="import-zone"
    >
      {children}
      {isOver && (
        <div className="pointer-events-none absolute inset-2 z-10 flex flex-col items-center justify-center gap-3 rounded-2xl border-2 border-dashed border-leaf bg-canvas/95 px-6 text-center">
          <Upload className="size-6 text-leaf" aria-hidden="true" />
          <p className="text-sm font-medium">Drop exported conversations here</p>
        </div>
      )}
    </div>
  );
}

function hasFiles({ dataTransfer }: DragEvent): boolean {
  return dataTransfer.types.includes("Files");
}

/** How the import goes, and which files were refused and why. */
export function ImportStatus({ state }: { state: ImportState }) {
  const { progress, problems, dismiss } = state;
  return (
    <>
      <p
        role="status"
        className={progress ? "border-t px-5 py-3 text-sm text-ink-soft wrap-anywhere" : "sr-only"}
      >
        {progress && `Importing ${progress}…`}
      </p>
      {problems.length > 0 && (
        <div
          role="alert"
          data-testid="import-problems"
          className="mx-3 mb-2 flex items-start gap-2 rounded-xl bg-bark-soft py-1.5 pr-1.5 pl-3 text-sm"
        >
          <div className="max-h-48 min-w-0 flex-1 overflow-y-auto py-1.5">
            <p className="font-medium text-bark">Not imported</p>
            <ul className="mt-1 space-y-1.5">
              {problems.map(({ file, text }, index) => (
                <li key={index} className="wrap-anywhere">
                  <span className="font-medium">{file}</span>: {text}
                </li>
              ))}
            </ul>
          </div>
          <IconButton isSmall label="Dismiss" onClick={dismiss}>
            <X />
          </IconButton>
        </div>
      )}
    </>
  );
}
