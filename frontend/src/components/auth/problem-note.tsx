import { CircleAlert } from "lucide-react";
import { describeFailure, describeWait, type Failure } from "@/lib/failure";

interface ProblemNoteProps {
  readonly failure: Failure | null | undefined;
  readonly waitS?: number;
}

/** What went wrong with the whole of a form, and how long to wait. */
export function ProblemNote({ failure, waitS = 0 }: ProblemNoteProps) {
  if (!failure) return null;
  return (
    <div className="flex gap-3 rounded-xl bg-bark-soft px-4 py-3 text-sm text-bark">
      <CircleAlert className="mt-0.5 size-4 shrink-0" aria-hidden="true" />
      <div>
        <p role="alert">{describeFailure(failure)}</p>
        {/* Outside of the alert: read out once, not at every second. */}
        {waitS > 0 && <p className="tabular-nums">Try again in {describeWait(waitS)}.</p>}
      </div>
    </div>
  );
}
