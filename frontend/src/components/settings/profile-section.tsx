"use client";

import { type FormEvent, useState } from "react";
import { EmailCard } from "./email-card";
import { Card } from "./parts";
import { SaveButton } from "./save-button";
import { ProblemNote } from "@/components/auth/problem-note";
import { TextField } from "@/components/ui/text-field";
import { useApp, useSession } from "@/hooks/use-app";
import { useSubmit } from "@/hooks/use-submit";
import { changeName } from "@/lib/api/account";
import { NAME_HINT, NAME_MAX_CHARS, nameProblem } from "@/lib/name-rules";
import { dateWords } from "@/lib/time-words";
import { showToast } from "@/lib/toasts";

const ABOUT_NAME = { username_taken: "username" };

export function ProfileSection() {
  return (
    <div className="space-y-5">
      <NameCard />
      <EmailCard />
    </div>
  );
}

function NameCard() {
  const { api, session } = useApp();
  const { user } = useSession();
  const { formRef, isBusy, problem, waitS, run, refuse } = useSubmit(ABOUT_NAME);
  const [name, setName] = useState(user?.username ?? "");
  const isChanged = name.trim() !== user?.username;

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    const wanted = name.trim();
    const wrong = nameProblem(wanted);
    if (wrong) return refuse({ username: [wrong] });
    const isDone = await run(async () => session.replaceUser(await changeName(api, wanted)));
    if (!isDone) return;
    setName(wanted);
    showToast({ text: `You are ${wanted} now. Use this name to sign in.` });
  }

  return (
    <Card {...(user?.createdAt ? { lead: `With EuGPT since ${dateWords(user.createdAt)}.` } : {})}>
      <form ref={formRef} onSubmit={(event) => void submit(event)} noValidate className="space-y-5">
        <TextField
          label="Name"
          name="username"
          autoComplete="username"
          autoCapitalize="none"
          autoCorrect="off"
          spellCheck={false}
          required
          maxLength={NAME_MAX_CHARS}
          value={name}
          onChange={(event) => setName(event.target.value)}
          hint={`${NAME_HINT}. You sign in with it.`}
          errors={problem?.fields.username}
          data-testid="profile-name"
        />
        <ProblemNote failure={problem?.failure} waitS={waitS} />
        <SaveButton isBusy={isBusy} waitS={waitS} isDisabled={!isChanged} testId="profile-save">
          Save
        </SaveButton>
      </form>
    </Card>
  );
}
