"use client";

import { useChat } from "@/hooks/use-app";
import { queueLine, transcriptOf } from "@/lib/chat/selectors";
import type { Reply, TranscriptKey } from "@/lib/chat/state";
import { describeFailure } from "@/lib/failure";

/** Tells screen readers how the newest answer is doing, and reads it once it is finished. */
export function LiveAnnouncer({ transcript }: { transcript: TranscriptKey }) {
  const announcement = useChat((state) => {
    const last = transcriptOf(state, transcript).messages.at(-1);
    const reply = last && state.replies[last.key];
    return reply ? announcementOf(reply) : "";
  });
  return (
    <div role="status" aria-live="polite" className="sr-only" data-testid="announcer">
      {announcement}
    </div>
  );
}

function announcementOf(reply: Reply): string {
  switch (reply.status) {
    case "sending":
      return "Message sent.";
    case "queued":
      return reply.queue ? queueLine(reply.queue) : "Waiting for an answer.";
    case "running":
      return "EuGPT is answering.";
    case "completed":
      return `EuGPT said: ${reply.text}`;
    case "cancelled":
      return `Stopped. EuGPT said: ${reply.text}`;
    case "failed":
      return reply.failure ? describeFailure(reply.failure) : "The answer failed.";
  }
}
