"use client";

import { useEffect, useRef } from "react";
import { CopyBlock } from "./copy-block";
import { CurlExample } from "./curl-example";
import { Card } from "./parts";
import { Button } from "@/components/ui/button";
import type { NewApiKey } from "@/lib/api/keys";

interface NewKeyCardProps {
  readonly made: NewApiKey;
  readonly onDone: () => void;
}

/** The one time that a key can be seen. */
export function NewKeyCard({ made, onDone }: NewKeyCardProps) {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => ref.current?.focus(), []);
  return (
    <div ref={ref} tabIndex={-1} className="rounded-2xl outline-none" data-testid="new-key">
      <Card
        className="border-leaf"
        title={`Your key “${made.key.name}”`}
        lead="Copy it now: it is shown this once, and nobody can look it up later. Whoever has it can use the model in your name."
      >
        <CopyBlock text={made.secret} what="the key" isWrapped testId="new-key-secret" />
        <p className="mt-5 mb-2 text-sm font-medium">Try it in a terminal</p>
        <CurlExample secret={made.secret} />
        <Button className="mt-6" onClick={onDone} data-testid="new-key-done">
          I have copied it
        </Button>
      </Card>
    </div>
  );
}
