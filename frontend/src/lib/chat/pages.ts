/** Reads conversations from the API page by page: the shown branch, older messages, other branches. */
import type { ChatAction } from "./actions";
import { oldestId } from "./load";
import { liveReplyKey } from "./selectors";
import {
  type ChatState,
  conversationKey,
  conversationOf,
  type Message,
  type TranscriptKey,
} from "./state";
import { toFailure } from "@/lib/api/errors";
import type { MessagePage } from "@/lib/api/conversations";
import type { Failure } from "@/lib/failure";

export interface PagesOptions {
  readonly state: () => ChatState;
  readonly dispatch: (action: ChatAction) => void;
  readonly loadPage: (conversation: number, before: number | null) => Promise<MessagePage>;
  readonly showBranch: (conversation: number, message: number) => Promise<void>;
  readonly onLoaded: (conversation: number) => void;
}

/** A switch of branches reads so far up to find where they part; beyond, it begins anew. */
const SWITCH_MAX_PAGES = 10;

export class Pages {
  /** Answers to requests made before a reset belong to somebody else. */
  private epoch = 0;

  constructor(private readonly options: PagesOptions) {}

  reset(): void {
    this.epoch += 1;
  }

  /** Reads a conversation unless it is already here and current. */
  async open(conversation: number): Promise<void> {
    const known = this.transcript(conversationKey(conversation));
    const isCurrent = known?.load === "ready" && !known.isStale;
    if (isCurrent || known?.load === "loading") return;
    await this.load(conversation, () => this.options.loadPage(conversation, null));
  }

  async loadOlder(key: TranscriptKey): Promise<void> {
    const { dispatch, loadPage } = this.options;
    const conversation = conversationOf(key);
    const transcript = this.transcript(key);
    const before = oldestId(transcript?.messages ?? []);
    if (conversation === null || before === null) return;
    if (!transcript?.hasOlder || transcript.isLoadingOlder) return;
    const epoch = this.epoch;
    dispatch({ type: "older_started", conversation });
    try {
      const page = await loadPage(conversation, before);
      if (epoch === this.epoch) dispatch({ type: "older_finished", conversation, before, page });
    } catch (error) {
      if (epoch !== this.epoch) return;
      dispatch({ type: "older_failed", conversation, failure: toFailure(error) });
    }
  }

  /** Shows the sibling before or after a message, with the branch that was last shown below it. */
  async showSibling(transcript: TranscriptKey, message: Message, step: -1 | 1): Promise<void> {
    const conversation = conversationOf(transcript);
    const sibling = step < 0 ? message.siblings?.previous : message.siblings?.next;
    if (conversation === null || !sibling) return;
    const isBusy = this.transcript(transcript)?.load === "loading";
    if (isBusy || liveReplyKey(this.options.state(), transcript) !== null) return;
    const failure = await this.load(conversation, async () => {
      await this.options.showBranch(conversation, sibling);
      return this.pageDownTo(conversation, sibling);
    });
    if (failure) this.options.dispatch({ type: "notice_raised", failure });
  }

  /** Pages from the end up to the one with `message`, so that what stands above it stays in place. */
  private async pageDownTo(conversation: number, message: number): Promise<MessagePage> {
    let page = await this.options.loadPage(conversation, null);
    for (let count = 1; count < SWITCH_MAX_PAGES; count += 1) {
      const first = page.messages[0];
      const isFound = page.messages.some(({ id }) => id === message);
      if (isFound || !page.hasOlder || first === undefined) break;
      const above = await this.options.loadPage(conversation, first.id);
      page = { messages: [...above.messages, ...page.messages], hasOlder: above.hasOlder };
    }
    return page;
  }

  /** Why it could not be read, or nothing. */
  private async load(
    conversation: number,
    read: () => Promise<MessagePage>,
  ): Promise<Failure | undefined> {
    const { dispatch, onLoaded } = this.options;
    const epoch = this.epoch;
    dispatch({ type: "load_started", conversation });
    try {
      const page = await read();
      if (epoch !== this.epoch) return;
      dispatch({ type: "load_finished", conversation, page });
      onLoaded(conversation);
    } catch (error) {
      if (epoch !== this.epoch) return;
      const failure = toFailure(error);
      dispatch({ type: "load_failed", conversation, failure });
      return failure;
    }
  }

  private transcript(key: TranscriptKey) {
    return this.options.state().transcripts[key];
  }
}
