"use client";

import { useQueryClient } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { useState } from "react";
import { DeleteAccountDialog } from "./delete-account-dialog";
import { Card } from "./parts";
import { TrainingCard } from "./training-card";
import { Button } from "@/components/ui/button";
import { ConfirmDialog } from "@/components/ui/confirm-dialog";
import { useApp } from "@/hooks/use-app";
import { CONVERSATIONS } from "@/hooks/list-refresher";
import { deleteAllConversations, exportAccount } from "@/lib/api/account";
import { toFailure } from "@/lib/api/errors";
import { describeFailure, describeWait } from "@/lib/failure";
import { saveFile } from "@/lib/save-file";
import { showToast } from "@/lib/toasts";

export function DataSection() {
  return (
    <div className="space-y-5">
      <TrainingCard />
      <ExportCard />
      <DeleteConversationsCard />
      <DeleteAccountCard />
    </div>
  );
}

function ExportCard() {
  const { api } = useApp();
  const [isBusy, setIsBusy] = useState(false);

  async function download(): Promise<void> {
    setIsBusy(true);
    try {
      const { blob, name } = await exportAccount(api);
      saveFile({ blob, name: name ?? "eugpt-account.json" });
    } catch (error) {
      showToast({ text: `Not downloaded. ${sentence(error)}`, isUrgent: true });
    } finally {
      setIsBusy(false);
    }
  }

  return (
    <Card
      title="Download everything"
      lead="All that is kept about you, in one JSON file: your account, conversations, ratings, reports, links, sessions and keys (without their secrets)."
    >
      <Button
        variant="outline"
        disabled={isBusy}
        onClick={() => void download()}
        data-testid="export-account"
      >
        <Download className="size-4" />
        {isBusy ? "Collecting…" : "Download"}
      </Button>
    </Card>
  );
}

function DeleteConversationsCard() {
  const { api, chat } = useApp();
  const client = useQueryClient();
  const [isAsking, setIsAsking] = useState(false);

  async function deleteAll(): Promise<void> {
    try {
      await deleteAllConversations(api);
      chat.reset({ isGuest: false });
      client.removeQueries({ queryKey: CONVERSATIONS });
      showToast({ text: "All conversations are deleted." });
    } catch (error) {
      showToast({ text: `Not deleted. ${sentence(error)}`, isUrgent: true });
    }
  }

  return (
    <Card
      title="Delete all conversations"
      lead="They disappear at once, pinned and archived ones too, and links to them stop working. Your account stays."
    >
      <Button
        variant="outline"
        onClick={() => setIsAsking(true)}
        data-testid="delete-conversations"
      >
        Delete all conversations…
      </Button>
      <ConfirmDialog
        isOpen={isAsking}
        onOpenChange={setIsAsking}
        title="Delete all conversations?"
        text="This cannot be taken back. If you may want to read them again, download everything first."
        action="Delete them all"
        refusal="Keep them"
        onConfirm={() => void deleteAll()}
      />
    </Card>
  );
}

function DeleteAccountCard() {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <Card
      title="Delete the account"
      lead="Your name, conversations, links and keys are deleted at once and for good, and you are signed out everywhere. Somebody else can take the name."
    >
      <Button
        variant="outline-danger"
        onClick={() => setIsOpen(true)}
        data-testid="delete-account"
      >
        Delete account…
      </Button>
      {isOpen && <DeleteAccountDialog onClose={() => setIsOpen(false)} />}
    </Card>
  );
}

function sentence(error: unknown): string {
  const failure = toFailure(error);
  const wait = failure.retryAfterS;
  const words = describeFailure(failure);
  return wait === null ? words : `${words} Try again in ${describeWait(Math.ceil(wait))}.`;
}
