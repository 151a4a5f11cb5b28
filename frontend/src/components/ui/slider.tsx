"use client";

import * as Base from "@radix-ui/react-slider";
import { useId, type ReactNode } from "react";

interface SliderProps {
  readonly label: string;
  readonly hint?: ReactNode;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  /** The value in words or figures, also what screen readers say. */
  readonly shown?: string;
  readonly onChange: (value: number) => void;
  /** When the person lets go. */
  readonly onCommit?: (value: number) => void;
  readonly testId?: string;
}

export function Slider(props: SliderProps) {
  const { label, hint, value, min, max, step, onChange, onCommit, testId } = props;
  const id = useId();
  const shown = props.shown ?? String(value);
  return (
    <div>
      <div className="flex items-baseline justify-between gap-4">
        <span id={id} className="font-medium">
          {label}
        </span>
        <span className="text-sm text-ink-soft tabular-nums">{shown}</span>
      </div>
      <Base.Root
        value={[value]}
        min={min}
        max={max}
        step={step}
        onValueChange={([next]) => next !== undefined && onChange(next)}
        onValueCommit={([next]) => next !== undefined && onCommit?.(next)}
        data-testid={testId}
        className="relative flex h-8 touch-none items-center select-none"
      >
        <Base.Track className="relative h-1.5 grow rounded-full bg-line">
          <Base.Range className="absolute h-full rounded-full bg-leaf" />
        </Base.Track>
        <Base.Thumb
          aria-labelledby={id}
          aria-valuetext={shown}
          aria-describedby={hint ? `${id}-hint` : undefined}
          className="block size-6 rounded-full border-2 border-leaf bg-raised shadow-lift"
        />
      </Base.Root>
      {hint && (
        <p id={`${id}-hint`} className="mt-0.5 text-sm text-ink-soft">
          {hint}
        </p>
      )}
    </div>
  );
}
