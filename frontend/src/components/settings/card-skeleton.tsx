import { Skeleton } from "@/components/ui/skeleton";

/** The shape of a section's first card while it is being loaded. */
export function CardSkeleton() {
  return (
    <div
      aria-busy="true"
      role="status"
      className="space-y-4 rounded-2xl border bg-raised p-5 sm:p-6"
    >
      <span className="sr-only">Loading…</span>
      <Skeleton className="w-1/3" />
      <Skeleton className="h-10 w-full rounded-xl" />
      <Skeleton className="w-2/3" />
    </div>
  );
}
