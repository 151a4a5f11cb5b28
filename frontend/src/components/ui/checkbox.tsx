"use client";

import * as Base from "@radix-ui/react-checkbox";
import { Check, Minus } from "lucide-react";
import type { ComponentProps } from "react";
import { cn } from "@/lib/cn";

/** Needs a label: `aria-label`, or a <label> with its id. */
export function Checkbox({ className, ...props }: ComponentProps<typeof Base.Root>) {
  return (
    <Base.Root
      className={cn(
        "flex size-6 shrink-0 items-center justify-center rounded-md border border-line-strong bg-raised transition-colors data-[state=checked]:border-leaf data-[state=checked]:bg-leaf data-[state=indeterminate]:border-leaf data-[state=indeterminate]:bg-leaf",
        className,
      )}
      {...props}
    >
      <Base.Indicator className="text-on-leaf">
        {props.checked === "indeterminate" ? <Minus className="size-4" /> : <Check className="size-4" />}
      </Base.Indicator>
    </Base.Root>
  );
}
