/**
 * Decides what is read out of a growing answer: how it is doing, and each sentence once it is
 * finished, never single tokens. What was there before somebody could hear it stays silent.
 */
import { queueLine, visibleText } from "./chat/selectors";
import { isSettled, type Reply } from "./chat/state";
import { describeFailure } from "./failure";
import { withoutMarks } from "./markdown";
import { finishedSentences } from "./sentences";

export class Announcer {
  private key: string | null = null;
  private status: Reply["status"] | null = null;
  private position: number | null = null;
  /** Up to where the text has been read out. */
  private upTo = 0;

  /** What is to be said now about the newest message; call it at every change. */
  hear(key: string | null, reply: Reply | undefined): readonly string[] {
    if (key === null || reply === undefined) return this.forget();
    const isNew = key !== this.key;
    if (isNew) {
      this.key = key;
      this.upTo = visibleText(reply).length;
      this.position = null;
    }
    const before = isNew ? null : this.status;
    this.status = reply.status;
    if (isSettled(reply)) return before === null ? [] : this.end(before, reply);
    return [...this.state(before, reply), ...this.newSentences(reply)];
  }

  private forget(): readonly string[] {
    this.key = null;
    this.status = null;
    return [];
  }

  private state(before: Reply["status"] | null, reply: Reply): readonly string[] {
    const hasChanged = before !== reply.status;
    if (reply.status === "sending") return hasChanged ? ["Message sent."] : [];
    if (reply.status === "running") return hasChanged ? ["EuGPT is answering."] : [];
    const position = reply.queue?.position ?? null;
    if (position === this.position) return [];
    this.position = position;
    return reply.queue ? [`${queueLine(reply.queue)}.`] : [];
  }

  private newSentences(reply: Reply): readonly string[] {
    const { sentences, upTo } = finishedSentences(visibleText(reply), this.upTo);
    this.upTo = upTo;
    return sentences.map(spoken).filter((sentence) => sentence !== "");
  }

  private end(before: Reply["status"], reply: Reply): readonly string[] {
    if (before === reply.status) return [];
    const rest = spoken(reply.text.slice(this.upTo));
    this.upTo = reply.text.length;
    return [...(rest === "" ? [] : [rest]), ending(reply)];
  }
}

function ending({ status, finishReason, failure }: Reply): string {
  if (status === "cancelled") return "Stopped.";
  if (status === "failed") return failure ? describeFailure(failure) : "The answer failed.";
  return finishReason === "length" ? "The answer was cut short." : "End of the answer.";
}

function spoken(text: string): string {
  return withoutMarks(text).trim();
}
