import { Slot } from "@radix-ui/react-slot";
import { cva, type VariantProps } from "class-variance-authority";
import type { ComponentProps } from "react";
import { cn } from "@/lib/cn";

/**
 * A `className` that names a size or a colour again competes with these by the order of the style
 * sheet: what another look needs is named here.
 */
const button = cva(
  "inline-flex shrink-0 items-center justify-center gap-2 font-medium whitespace-nowrap transition-colors duration-150 disabled:pointer-events-none disabled:opacity-45 [&_svg]:shrink-0",
  {
    variants: {
      variant: {
        primary: "bg-leaf text-on-leaf hover:bg-leaf-strong",
        outline: "border border-line-strong bg-raised text-ink hover:bg-hover",
        "outline-danger": "border border-line-strong bg-raised text-bark hover:bg-hover",
        ghost: "text-ink-soft hover:bg-hover hover:text-ink",
        "ghost-leaf": "text-leaf hover:bg-hover hover:text-leaf-strong",
        "ghost-danger": "text-bark hover:bg-hover",
        danger: "bg-bark text-raised hover:brightness-95",
      },
      size: {
        small: "h-9 rounded-xl px-3 text-sm",
        medium: "h-11 rounded-xl px-4 text-[0.9375rem]",
        // In a line of text.
        inline: "h-8 rounded-lg px-2 text-sm pointer-coarse:h-11",
        pill: "h-9 rounded-full px-3.5 text-sm",
        icon: "size-10 rounded-xl",
        "medium-icon": "size-9 rounded-xl pointer-coarse:size-11 [&_svg]:size-4",
        // Where a mouse points; fingers get as much as elsewhere.
        "small-icon": "size-8 rounded-lg pointer-coarse:size-10 [&_svg]:size-4",
        round: "size-11 rounded-full",
      },
    },
    defaultVariants: { variant: "primary", size: "medium" },
  },
);

type ButtonProps = ComponentProps<"button"> &
  VariantProps<typeof button> & {
    /** Gives the look to the child, a link for instance. */
    asChild?: boolean;
  };

export function Button({ className, variant, size, asChild, ...props }: ButtonProps) {
  const Element = asChild ? Slot : "button";
  return (
    <Element
      {...(asChild ? {} : { type: "button" as const })}
      className={cn(button({ variant, size }), className)}
      {...props}
    />
  );
}
