import { Skeleton } from "@/components/ui/skeleton";
import { cn } from "@/lib/cn";

const WIDTHS = ["w-4/5", "w-3/5", "w-11/12", "w-1/2", "w-2/3", "w-5/6"];

export function ListSkeleton() {
  return (
    <div className="mt-5 px-2.5" data-testid="list-skeleton">
      <Skeleton className="mb-4 h-2.5 w-14" />
      <div className="space-y-[1.375rem]">
        {WIDTHS.map((width) => (
          <Skeleton key={width} className={cn(width)} />
        ))}
      </div>
    </div>
  );
}
