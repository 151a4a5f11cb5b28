import { cn } from "@/lib/cn";

/** The grey shape of a line that is being loaded; the parent says `aria-busy`. */
export function Skeleton({ className }: { className?: string }) {
  return (
    <div
      aria-hidden="true"
      className={cn("h-3.5 rounded-full bg-hover motion-safe:animate-pulse", className)}
    />
  );
}
