"use client";

import * as Base from "@radix-ui/react-switch";
import { useId, type ReactNode } from "react";

interface SwitchProps {
  readonly label: string;
  readonly hint?: ReactNode;
  readonly isOn: boolean;
  readonly onChange: (isOn: boolean) => void;
  readonly testId?: string;
}

/** A setting that takes effect at once. */
export function Switch({ label, hint, isOn, onChange, testId }: SwitchProps) {
  const id = useId();
  return (
    <div className="flex items-start justify-between gap-4">
      <div className="min-w-0">
        <label htmlFor={id} className="font-medium">
          {label}
        </label>
        {hint && (
          <p id={`${id}-hint`} className="mt-0.5 text-sm text-ink-soft">
            {hint}
          </p>
        )}
      </div>
      <Base.Root
        id={id}
        checked={isOn}
        onCheckedChange={onChange}
        aria-describedby={hint ? `${id}-hint` : undefined}
        data-testid={testId}
        className="relative mt-0.5 h-7 w-12 shrink-0 rounded-full border border-line-strong bg-hover transition-colors data-[state=checked]:border-leaf data-[state=checked]:bg-leaf"
      >
        <Base.Thumb className="block size-5 translate-x-[3px] rounded-full bg-ink-soft transition-transform data-[state=checked]:translate-x-[23px] data-[state=checked]:bg-on-leaf" />
      </Base.Root>
    </div>
  );
}
