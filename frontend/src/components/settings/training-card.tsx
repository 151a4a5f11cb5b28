"use client";

import { useState } from "react";
import { Card } from "./parts";
import { Switch } from "@/components/ui/switch";
import { useApp, useSession } from "@/hooks/use-app";
import { saveMayTrain } from "@/lib/api/account";
import { toFailure } from "@/lib/api/errors";
import { describeFailure } from "@/lib/failure";
import { showToast } from "@/lib/toasts";

/** The person's word on what may be learned from them; without it, nothing is. */
export function TrainingCard() {
  const { api, session } = useApp();
  const { user } = useSession();
  /** On its way to the server. */
  const [wanted, setWanted] = useState<boolean | null>(null);

  async function save(mayTrain: boolean): Promise<void> {
    if (wanted !== null) return;
    setWanted(mayTrain);
    try {
      session.replaceUser(await saveMayTrain(api, mayTrain));
    } catch (error) {
      showToast({ text: `Not saved. ${describeFailure(toFailure(error))}`, isUrgent: true });
    } finally {
      setWanted(null);
    }
  }

  return (
    <Card>
      <Switch
        label="My feedback may be used to train EuGPT"
        hint="If on, answers that you rate may become training data, together with the question, your rating and your comment, but without your name."
        isOn={wanted ?? user?.mayTrain ?? false}
        onChange={(isOn) => void save(isOn)}
        testId="may-train"
      />
    </Card>
  );
}
