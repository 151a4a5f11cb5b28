"use client";

import * as Base from "@radix-ui/react-tabs";
import type { ComponentProps } from "react";
import { cn } from "@/lib/cn";

export const Tabs = Base.Root;

/** A row that scrolls sideways where it does not fit. */
export function TabsList({ className, ...props }: ComponentProps<typeof Base.List>) {
  return (
    <Base.List
      className={cn("flex gap-1 overflow-x-auto border-b [scrollbar-width:none]", className)}
      {...props}
    />
  );
}

export function TabsTrigger({ className, ...props }: ComponentProps<typeof Base.Trigger>) {
  return (
    <Base.Trigger
      className={cn(
        "-mb-px h-11 shrink-0 border-b-2 border-transparent px-3 text-[0.9375rem] font-medium text-ink-soft transition-colors hover:text-ink focus-visible:-outline-offset-2 data-[state=active]:border-leaf data-[state=active]:text-ink",
        className,
      )}
      {...props}
    />
  );
}

export const TabsContent = Base.Content;
