import type { ReactNode } from "react";
import { ProblemNote } from "./problem-note";

const FAILURE = { code: "invalid_link", detail: "", retryAfterS: null };

/** The mail's link is used, too old, or not whole; `children` is the way out. */
export function InvalidLink({ children }: { children: ReactNode }) {
  return (
    <div className="mt-8 space-y-5" data-testid="invalid-link">
      <ProblemNote failure={FAILURE} />
      {children}
    </div>
  );
}
