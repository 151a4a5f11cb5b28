import { Button } from "@/components/ui/button";
import { toFailure } from "@/lib/api/errors";
import { describeFailure } from "@/lib/failure";

interface ListFailureProps {
  readonly error: Error;
  readonly onRetry: () => void;
}

export function ListFailure({ error, onRetry }: ListFailureProps) {
  return (
    <div role="alert" className="px-2.5 pt-4 text-sm" data-testid="list-failure">
      <p className="text-ink-soft text-pretty">{describeFailure(toFailure(error))}</p>
      <Button variant="outline" size="small" className="mt-3" onClick={onRetry}>
        Try again
      </Button>
    </div>
  );
}
