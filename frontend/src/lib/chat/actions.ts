/** Everything that can change the chat state: what the person does here, and the stream's events. */
import type { GenerationEvent } from "./events";
import type { SamplingParams } from "./params";
import type { Asked, Message, TranscriptKey } from "./state";
import type { ConversationDetail, MessagePage } from "@/lib/api/conversations";
import type { Failure } from "@/lib/failure";

interface Submitted {
  readonly transcript: TranscriptKey;
  readonly clientId: string;
  readonly params?: SamplingParams | null;
  readonly sentAt?: number | null;
}

/** A question with its answer to come, at the end or in place of everything from `cut` on. */
export interface PromptSent extends Submitted {
  readonly type: "prompt_sent";
  readonly text: string;
  readonly cut?: string | null;
}

/** A sibling of the message `cut`, which it takes the place of, with all that stands below. */
export interface SiblingAsked extends Submitted {
  readonly type: "sibling_asked";
  readonly asked: Exclude<Asked, { type: "prompt" }>;
  readonly cut: string;
  /** The user's words that are answered; with an edit the new ones. */
  readonly prompt: string;
  /** The first words of the reply, where they are known. */
  readonly beginning?: string;
}

export type MessagePatch = Partial<Pick<Message, "feedback" | "isReported">>;

export type LocalAction =
  | PromptSent
  | SiblingAsked
  /** Takes a question and its answer off the page, or puts back what they replaced. */
  | { readonly type: "exchange_dropped"; readonly reply: string }
  | { readonly type: "stop_requested"; readonly reply: string }
  | { readonly type: "draft_started"; readonly isTemporary?: boolean }
  | { readonly type: "load_started"; readonly conversation: number }
  | { readonly type: "load_finished"; readonly conversation: number; readonly page: MessagePage }
  | { readonly type: "load_failed"; readonly conversation: number; readonly failure: Failure }
  | { readonly type: "older_started"; readonly conversation: number }
  | {
      readonly type: "older_finished";
      readonly conversation: number;
      readonly before: number;
      readonly page: MessagePage;
    }
  | { readonly type: "older_failed"; readonly conversation: number; readonly failure: Failure }
  | { readonly type: "conversation_changed"; readonly conversation: number }
  /** The connection was away: any conversation may have changed. */
  | { readonly type: "news_missed" }
  | { readonly type: "conversation_removed"; readonly conversation: number }
  | { readonly type: "message_patched"; readonly key: string; readonly patch: MessagePatch }
  /** Leaves nothing but this transcript. */
  | { readonly type: "transcript_isolated"; readonly transcript: TranscriptKey }
  | {
      readonly type: "draft_kept";
      readonly transcript: TranscriptKey;
      readonly keys: readonly string[];
      readonly detail: ConversationDetail;
    }
  | {
      readonly type: "draft_not_kept";
      readonly transcript: TranscriptKey;
      readonly failure: Failure;
    }
  | { readonly type: "notice_raised"; readonly failure: Failure }
  | { readonly type: "notice_dismissed" }
  | { readonly type: "reset" };

export type ChatAction = LocalAction | GenerationEvent;
