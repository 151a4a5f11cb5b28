"use client";

import { useState } from "react";
import { KeyForm } from "./key-form";
import { KeyList } from "./key-list";
import { LoadState } from "./load-state";
import { NewKeyCard } from "./new-key-card";
import { Card } from "./parts";
import { CurlExample } from "./curl-example";
import { useKeys } from "@/hooks/use-account";
import type { NewApiKey } from "@/lib/api/keys";

export function KeysSection() {
  const query = useKeys();
  const [made, setMade] = useState<NewApiKey | null>(null);
  return (
    <div className="space-y-5">
      {made ? (
        <NewKeyCard made={made} onDone={() => setMade(null)} />
      ) : (
        <Card
          title="A new key"
          lead="Programs use the model with it in your name. Give each program its own, so that you can end one alone."
        >
          <KeyForm onMade={setMade} />
        </Card>
      )}
      <Card title="Your keys">
        <LoadState query={query}>{(keys) => <KeyList keys={keys} />}</LoadState>
      </Card>
      {!made && (
        <Card
          title="How to use one"
          lead="Programs that know OpenAI's API work with this address and your key."
        >
          <CurlExample secret="YOUR_KEY" />
        </Card>
      )}
    </div>
  );
}
