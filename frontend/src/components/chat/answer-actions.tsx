"use client";

import { RotateCw, StepForward } from "lucide-react";
import dynamic from "next/dynamic";
import { ActionRow } from "./action-row";
import { CopyButton } from "./copy-button";
import { ReplySpeed } from "./reply-speed";
import { VersionSwitcher } from "./version-switcher";
import { IconButton } from "@/components/ui/icon-button";
import { useApp, useChat } from "@/hooks/use-app";
import { handFocusTo } from "@/hooks/use-handed-focus";
import { useSpeedShown } from "@/hooks/use-speed-shown";
import { messageText } from "@/lib/chat/selectors";
import { isSettled, type Message, type Reply } from "@/lib/chat/state";
import { patiently } from "@/lib/patiently";

/** There is no answer yet when the page opens. */
const AnswerExtras = dynamic(
  () => patiently(async () => (await import("./answer-extras")).AnswerExtras),
  { ssr: false },
);

interface AnswerActionsProps {
  readonly message: Message;
  readonly reply: Reply | undefined;
  readonly place: number;
  readonly isLast: boolean;
  /** Another answer of this conversation is being written. */
  readonly isBusy: boolean;
  readonly canChange: boolean;
}

export function AnswerActions(props: AnswerActionsProps) {
  const { message, reply, place, isLast, isBusy, canChange } = props;
  const { chat } = useApp();
  const [isSpeedShown] = useSpeedShown();
  const isLive = reply !== undefined && !isSettled(reply);
  const hasText = useChat((state) => messageText(state, message) !== "");
  const speed = isSpeedShown && !message.isHidden && <ReplySpeed message={message} />;
  if (isLive) return <ActionRow label="Answer" isAlwaysShown>{speed}</ActionRow>;
  return (
    <ActionRow label="Actions for this answer" isAlwaysShown={isLast} className="-ml-2">
      <VersionSwitcher message={message} place={place} isBusy={isBusy} />
      {hasText && (
        <CopyButton what="answer" text={() => messageText(chat.state.get(), message)} />
      )}
      {/* A failure at the end has a button of its own, with words. */}
      {canChange && !message.isHidden && !(isLast && reply?.failure) && (
        <AskAgain message={message} isLast={isLast} isBusy={isBusy} />
      )}
      {!message.isHidden && canContinue(message, reply) && (
        <IconButton
          isSmall
          label="Continue this answer"
          disabled={isBusy}
          onClick={() => {
            handFocusTo(ANSWER_FOCUS);
            chat.continueReply(message.key);
          }}
          data-testid="continue"
        >
          <StepForward />
        </IconButton>
      )}
      {hasText && <AnswerExtras message={message} isBusy={isBusy} />}
      {speed}
    </ActionRow>
  );
}

/** The article of the newest answer goes by this name. */
export const ANSWER_FOCUS = "answer";

function AskAgain({ message, isLast, isBusy }: Pick<AnswerActionsProps, "message" | "isLast" | "isBusy">) {
  const { chat } = useApp();
  // What is kept on this page alone has no versions: answering again would drop what follows.
  if (message.id === null && !isLast) return null;
  return (
    <IconButton
      isSmall
      label="Answer again"
      disabled={isBusy}
      onClick={() => {
        handFocusTo(ANSWER_FOCUS);
        chat.regenerate(message.key);
      }}
      data-testid="regenerate"
    >
      <RotateCw />
    </IconButton>
  );
}

/** Only a stored answer that was cut short can go on. */
function canContinue({ id, details }: Message, reply: Reply | undefined): boolean {
  if (id === null) return false;
  const status = reply?.status ?? details?.status;
  const reason = reply?.finishReason ?? details?.finishReason;
  return status === "cancelled" || status === "failed" || reason === "length";
}
