"use client";

import type { ComponentProps } from "react";
import { Button } from "./button";
import { Tooltip } from "./tooltip";

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
        size={isSmall ? "small-icon" : "icon"}
        aria-label={label}
        className={className}
        {...props}
      />
    </Tooltip>
  );
}
