import { type ComponentProps, useId } from "react";
import { cn } from "@/lib/cn";

interface TextFieldProps extends ComponentProps<"input"> {
  readonly label: string;
  readonly hint?: string;
  readonly errors?: readonly string[] | undefined;
}

export function TextField({ label, hint, errors = [], className, ...props }: TextFieldProps) {
  const id = useId();
  const isInvalid = errors.length > 0;
  const note = isInvalid ? errors.join(" ") : hint;
  return (
    <div className={className}>
      <label htmlFor={id} className="mb-1.5 block text-sm font-medium">
        {label}
      </label>
      <input
        id={id}
        aria-invalid={isInvalid || undefined}
        aria-describedby={note ? `${id}-note` : undefined}
        className={cn(
          "h-11 w-full rounded-xl border border-line-strong bg-raised px-3.5 text-base transition-colors placeholder:text-ink-soft",
          isInvalid && "border-bark",
        )}
        {...props}
      />
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
