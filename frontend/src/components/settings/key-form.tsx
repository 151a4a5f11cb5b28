"use client";

import { useQueryClient } from "@tanstack/react-query";
import { ChevronDown } from "lucide-react";
import { type FormEvent, useId, useState } from "react";
import { SaveButton } from "./save-button";
import { ProblemNote } from "@/components/auth/problem-note";
import { TextField } from "@/components/ui/text-field";
import { KEYS } from "@/hooks/use-account";
import { useApp } from "@/hooks/use-app";
import { useSubmit } from "@/hooks/use-submit";
import { createKey, type NewApiKey } from "@/lib/api/keys";

const DAY_MS = 86_400_000;
const NAME_MAX_CHARS = 60;
const LIVES = [
  { days: 30, label: "30 days" },
  { days: 90, label: "90 days" },
  { days: 365, label: "1 year" },
  { days: 0, label: "Until I revoke it" },
] as const;

export function KeyForm({ onMade }: { onMade: (made: NewApiKey) => void }) {
  const { api } = useApp();
  const client = useQueryClient();
  const { formRef, isBusy, problem, waitS, run, refuse } = useSubmit();
  const [name, setName] = useState("");
  const [days, setDays] = useState<number>(90);

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (name.trim() === "") return refuse({ name: ["Give it a name, so that you know it again."] });
    const expiresAt = days > 0 ? new Date(Date.now() + days * DAY_MS).toISOString() : null;
    await run(async () => {
      const made = await createKey(api, name.trim(), expiresAt);
      void client.invalidateQueries({ queryKey: KEYS });
      onMade(made);
    });
  }

  return (
    <form ref={formRef} onSubmit={(event) => void submit(event)} noValidate className="space-y-5">
      <div className="grid items-start gap-5 sm:grid-cols-[minmax(0,1fr)_11rem]">
        <TextField
          label="Name"
          name="name"
          autoComplete="off"
          required
          maxLength={NAME_MAX_CHARS}
          placeholder="My notebook"
          value={name}
          onChange={(event) => setName(event.target.value)}
          errors={problem?.fields.name}
          data-testid="key-name"
        />
        <LifeField days={days} onChange={setDays} />
      </div>
      <ProblemNote failure={problem?.failure} waitS={waitS} />
      <SaveButton isBusy={isBusy} waitS={waitS} testId="key-create">
        Create key
      </SaveButton>
    </form>
  );
}

function LifeField({ days, onChange }: { days: number; onChange: (days: number) => void }) {
  const id = useId();
  return (
    <div>
      <label htmlFor={id} className="mb-1.5 block text-sm font-medium">
        Valid for
      </label>
      <div className="relative">
        <select
          id={id}
          value={days}
          onChange={(event) => onChange(Number(event.target.value))}
          data-testid="key-life"
          className="h-11 w-full appearance-none rounded-xl border border-line-strong bg-raised pr-10 pl-3.5 text-base"
        >
          {LIVES.map((life) => (
            <option key={life.days} value={life.days}>
              {life.label}
            </option>
          ))}
        </select>
        <ChevronDown
          aria-hidden="true"
          className="pointer-events-none absolute top-3.5 right-3.5 size-4 text-ink-soft"
        />
      </div>
    </div>
  );
}
