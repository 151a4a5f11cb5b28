import type { ReactNode } from "react";
import { cn } from "@/lib/cn";

interface CardProps {
  readonly title?: string;
  readonly lead?: ReactNode;
  readonly children?: ReactNode;
  readonly className?: string;
}

/** One thing that can be set; its title is a heading below the section's. */
export function Card({ title, lead, children, className }: CardProps) {
  return (
    <section className={cn("rounded-2xl border bg-raised p-5 sm:p-6", className)}>
      {title && <h3 className="font-display text-lg leading-snug font-bold">{title}</h3>}
      {lead && <p className="mt-1 text-[0.9375rem] text-ink-soft text-pretty">{lead}</p>}
      {children && <div className={title || lead ? "mt-5" : undefined}>{children}</div>}
    </section>
  );
}

interface ChoiceProps<T extends string> {
  readonly legend: string;
  readonly name: string;
  readonly value: T;
  readonly options: readonly {
    readonly value: T;
    readonly label: string;
    readonly icon?: ReactNode;
  }[];
  readonly onChange: (value: T) => void;
  readonly hint?: string;
}

/** One of a few; takes effect at once. Arrow keys change it. */
export function Choice<T extends string>(props: ChoiceProps<T>) {
  const { legend, name, value, options, onChange, hint } = props;
  return (
    <fieldset>
      <legend className="font-medium">{legend}</legend>
      {hint && <p className="mt-0.5 text-sm text-ink-soft">{hint}</p>}
      <div className="mt-3 grid grid-cols-3 gap-2">
        {options.map((option) => (
          <label
            key={option.value}
            className="flex min-h-11 cursor-pointer flex-col items-center justify-center gap-1.5 rounded-xl border border-line-strong bg-canvas px-2 py-2.5 text-center text-sm font-medium text-ink-soft transition-colors hover:bg-hover has-checked:border-leaf has-checked:bg-bubble has-checked:text-ink has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-leaf [&_svg]:size-5"
          >
            <input
              type="radio"
              name={name}
              value={option.value}
              checked={option.value === value}
              onChange={() => onChange(option.value)}
              className="sr-only"
              data-testid={`${name}-${option.value}`}
            />
            {option.icon}
            {option.label}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
