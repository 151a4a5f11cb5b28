import type { ComponentProps, ReactNode } from "react";
import { Button } from "@/components/ui/button";
import { describeWait } from "@/lib/failure";

interface SaveButtonProps {
  readonly isBusy: boolean;
  readonly waitS: number;
  readonly isDisabled?: boolean;
  /** As wide as the form. */
  readonly isWide?: boolean;
  readonly variant?: ComponentProps<typeof Button>["variant"];
  readonly testId: string;
  readonly children: ReactNode;
}

/** Sends a form; says why not while it cannot. */
export function SaveButton(props: SaveButtonProps) {
  const { isBusy, waitS, isDisabled = false, isWide = false, variant, testId, children } = props;
  return (
    <Button
      type="submit"
      variant={variant}
      className={isWide ? "w-full" : undefined}
      disabled={isBusy || isDisabled || waitS > 0}
      data-testid={testId}
    >
      {isBusy ? "One moment…" : waitS > 0 ? `Wait ${describeWait(waitS)}` : children}
    </Button>
  );
}
