"use client";

import { useGlass } from "@/hooks/use-glass";

const TINTS = ["bg-raised", "bg-glass-1", "bg-glass-2", "bg-glass-3", "bg-glass-4"];

/** What the tints mean, while the glass is on. */
export function GlassLegend() {
  const [isOn] = useGlass();
  if (!isOn) return null;
  return (
    <p
      className="flex flex-wrap items-center justify-center gap-x-2 gap-y-1 px-4 py-1 text-xs text-ink-soft motion-safe:animate-appear"
      data-testid="glass-legend"
    >
      <span>Almost certain</span>
      <span aria-hidden="true" className="flex overflow-hidden rounded-full border border-line-strong">
        {TINTS.map((tint) => (
          <span key={tint} className={`${tint} h-3 w-5`} />
        ))}
      </span>
      <span>a surprise</span>
      <span className="max-sm:basis-full max-sm:text-center">
        <span className="pointer-coarse:hidden">Point at</span>
        <span className="hidden pointer-coarse:inline">Tap</span> a word to see what else it could
        have been.
      </span>
    </p>
  );
}
