"use client";

import { Button } from "@/components/ui/button";
import { useApp } from "@/hooks/use-app";
import { showConversation } from "@/hooks/use-shown-conversation";
import { describeFailure, type Failure } from "@/lib/failure";

/** In the place of a conversation that could not be read. */
export function LoadFailure(props: { conversation: number; failure: Failure }) {
  const { chat } = useApp();
  const isGone = props.failure.code === "not_found";
  return (
    <div role="alert" className="m-auto max-w-sm py-8 text-center">
      <p className="text-ink-soft">
        {isGone
          ? "This conversation does not exist, or it has been deleted."
          : describeFailure(props.failure)}
      </p>
      {isGone ? (
        <Button variant="outline" className="mt-4" onClick={() => showConversation(null)}>
          Go to a new chat
        </Button>
      ) : (
        <Button
          variant="outline"
          className="mt-4"
          onClick={() => void chat.open(props.conversation)}
        >
          Try again
        </Button>
      )}
    </div>
  );
}
