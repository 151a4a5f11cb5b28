"use client";

import type { ComponentProps } from "react";
import { Button } from "./button";
import { Tooltip } from "./tooltip";
import { cn } from "@/lib/cn";

interface IconButtonProps extends ComponentProps<typeof Button> {
  /** Its accessible name, and what the tooltip says. */
  readonly label: string;
  readonly side?: "top" | "right" | "bottom" | "left";
  /** Smaller, for rows of actions under a message. */
  readonly isSmall?: boolean;
}

export function IconButton({ label, side, isSmall, className, ...props }: IconButtonProps) {
  return (
    <Tooltip text={label} {...(side ? { side } : {})}>
      <Button
        variant="ghost"
        size="icon"
        aria-label={label}
        className={cn(isSmall && "size-8 rounded-lg pointer-coarse:size-10 [&_svg]:size-4", className)}
        {...props}
      />
    </Tooltip>
  );
}
