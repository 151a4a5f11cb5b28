import { type Ref, useId } from "react";
import { COMMENT_MAX_CHARS } from "@/lib/api/feedback";

interface CommentFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly inputRef?: Ref<HTMLTextAreaElement>;
}

export function CommentField({ label, value, onChange, inputRef }: CommentFieldProps) {
  const id = useId();
  return (
    <div>
      <label htmlFor={id} className="mb-1.5 block text-sm font-medium">
        {label} <span className="font-normal text-ink-soft">(optional)</span>
      </label>
      <textarea
        id={id}
        ref={inputRef}
        rows={3}
        maxLength={COMMENT_MAX_CHARS}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        className="block max-h-48 w-full resize-y rounded-xl border border-line-strong bg-raised px-3.5 py-2.5 text-base leading-6"
      />
    </div>
  );
}
