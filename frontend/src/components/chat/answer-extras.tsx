"use client";

import { Ellipsis, Flag, Gauge } from "lucide-react";
import { useState } from "react";
import { FeedbackButtons } from "@/components/feedback/feedback-buttons";
import { ReportDialog } from "@/components/feedback/report-dialog";
import { ReplyDetails } from "@/components/glass/reply-details";
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuTrigger,
} from "@/components/ui/dropdown-menu";
import { IconButton } from "@/components/ui/icon-button";
import { useSpeedShown } from "@/hooks/use-speed-shown";
import type { Message } from "@/lib/chat/state";

interface AnswerExtrasProps {
  readonly message: Message;
  readonly isBusy: boolean;
}

/** What can be said and asked about an answer; apart from the rest, since it opens windows. */
export function AnswerExtras({ message, isBusy }: AnswerExtrasProps) {
  return (
    <>
      <FeedbackButtons message={message} />
      <ReplyDetails message={message} isBusy={isBusy} />
      <MoreMenu message={message} />
    </>
  );
}

function MoreMenu({ message }: { readonly message: Message }) {
  const [isSpeedShown, showSpeed] = useSpeedShown();
  const [isReporting, setIsReporting] = useState(false);
  return (
    <>
      <DropdownMenu>
        <DropdownMenuTrigger asChild>
          <IconButton isSmall label="More" data-testid="more">
            <Ellipsis />
          </IconButton>
        </DropdownMenuTrigger>
        <DropdownMenuContent align="start">
          <DropdownMenuItem onSelect={() => showSpeed(!isSpeedShown)} data-testid="toggle-speed">
            <Gauge />
            {isSpeedShown ? "Hide the speed" : "Show the speed"}
          </DropdownMenuItem>
          {message.id !== null && (
            <DropdownMenuItem onSelect={() => setIsReporting(true)} data-testid="report">
              <Flag />
              {message.isReported ? "Report again" : "Report"}
            </DropdownMenuItem>
          )}
        </DropdownMenuContent>
      </DropdownMenu>
      <ReportDialog message={message} isOpen={isReporting} onOpenChange={setIsReporting} />
    </>
  );
}
