import { type ComponentProps, type ReactNode, useId } from "react";
import { cn } from "@/lib/cn";

interface TextFieldProps extends ComponentProps<"input"> {
  readonly label: string;
  readonly hint?: string;
  readonly errors?: readonly string[] | undefined;
  /** A button inside its right end. */
  readonly trailing?: ReactNode;
  /** The id of a further text about it. */
  readonly describedBy?: string | undefined;
}

export function TextField(field: TextFieldProps) {
  const { label, hint, errors = [], trailing, describedBy, className, ...props } = field;
  const id = useId();
  const isInvalid = errors.length > 0;
  const note = isInvalid ? errors.join(" ") : hint;
  const notes = [note && `${id}-note`, describedBy].filter(Boolean).join(" ");
  return (
    <div className={className}>
      <label htmlFor={id} className="mb-1.5 block text-sm font-medium">
        {label}
      </label>
      <div className="relative">
        <input
          id={id}
          aria-invalid={isInvalid || undefined}
          aria-describedby={notes || undefined}
          className={cn(
            "h-11 w-full rounded-xl border border-line-strong bg-raised px-3.5 text-base transition-colors placeholder:text-ink-soft",
            isInvalid && "border-bark",
            trailing && "pr-12",
          )}
          {...props}
        />
        {trailing && <div className="absolute inset-y-0 right-0.5 flex items-center">{trailing}</div>}
      </div>
      {note && (
        <p
          id={`${id}-note`}
          className={cn("mt-1.5 text-sm", isInvalid ? "text-bark" : "text-ink-soft")}
        >
          {note}
        </p>
      )}
    </div>
  );
}
