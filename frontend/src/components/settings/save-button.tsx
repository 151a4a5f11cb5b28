import type { ComponentProps, ReactNode } from "react";
import { Button } from "@/components/ui/button";
import { describeWait } from "@/lib/failure";

interface SaveButtonProps {
  readonly isBusy: boolean;
  readonly waitS: number;
  readonly isDisabled?: boolean;
  readonly variant?: ComponentProps<typeof Button>["variant"];
  readonly testId: string;
  readonly children: ReactNode;
}

/** Sends a form; says why not while it cannot. */
export function SaveButton(props: SaveButtonProps) {
  const { isBusy, waitS, isDisabled = false, variant, testId, children } = props;
  return (
    <Button
      type="submit"
      variant={variant}
      disabled={isBusy || isDisabled || waitS > 0}
      data-testid={testId}
    >
      {isBusy ? "One moment…" : waitS > 0 ? `Wait ${describeWait(waitS)}` : children}
    </Button>
  );
}
