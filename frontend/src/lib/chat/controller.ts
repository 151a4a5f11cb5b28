/**
 * Joins the socket, the API and the chat state: sends what the person asks for, feeds events to the
 * reducer frame by frame, and repairs what a lost connection broke. No React in here.
 */
import type { ChatAction, MessagePatch } from "./actions";
import { answerKey } from "./ask";
import * as compose from "./compose";
import type { AcceptedEvent, ClientMessage, GenerationEvent, ServerEvent } from "./events";
import { GapRepair } from "./gap-repair";
import { carryOut, type KeepOutcome, planKeep } from "./keep";
import { Pages } from "./pages";
import type { SamplingParams } from "./params";
import { chatReducer } from "./reducer";
import { submitMessage } from "./requests";
import { findMessage, liveReplyKey, unsettledReplies } from "./selectors";
import {
  type ChatState,
  conversationKey,
  EMPTY_TRANSCRIPT,
  INITIAL_STATE,
  type Reply,
  type TranscriptKey,
} from "./state";
import type { ConversationDetail, KeepRequest, MessagePage } from "@/lib/api/conversations";
import { FrameBatch } from "@/lib/frame-batch";
import { Store } from "@/lib/store";

export interface ChatControllerOptions {
  /** False when the connection is down; unsent requests go out again after the next `ready`. */
  readonly send: (message: ClientMessage) => boolean;
  readonly loadPage: (conversation: number, before: number | null) => Promise<MessagePage>;
  readonly showBranch: (conversation: number, message: number) => Promise<void>;
  readonly keepChat: (chat: KeepRequest) => Promise<ConversationDetail>;
  /** The draft that is being shown became a stored conversation. */
  readonly onDraftStored: (conversation: number) => void;
  /** The list of conversations is out of date. */
  readonly onConversationsChanged: () => void;
  readonly now?: () => number;
}

export class ChatController {
  readonly state = new Store<ChatState>(INITIAL_STATE);
  private readonly batch = new FrameBatch<GenerationEvent>((events) => this.apply(events));
  private readonly gaps = new GapRepair((reply, fromStart) => this.resume(reply, fromStart));
  private readonly pages: Pages;
  private readonly now: () => number;
  /** Guests' conversations are kept here alone and go along with each prompt. */
  private asker: compose.Asker = { isGuest: true, sampling: {}, isGlassOn: false };

  private wasReady = false;

  constructor(private readonly options: ChatControllerOptions) {
    this.now = options.now ?? (() => performance.now());
    this.pages = new Pages({
      state: this.state.get,
      dispatch: (action) => this.dispatch(action),
      loadPage: options.loadPage,
      showBranch: options.showBranch,
      onLoaded: (conversation) => this.resumeLoaded(conversation),
    });
  }

  /** Forgets everything, for when somebody signs in or out, but a chat that was to be kept. */
  reset(identity: { readonly isGuest: boolean; readonly kept?: KeepOutcome | null }): void {
    this.asker = { ...this.asker, isGuest: identity.isGuest };
    this.wasReady = false;
    this.pages.reset();
    this.gaps.clear();
    if (!identity.kept) {
      this.batch.clear();
      this.dispatch({ type: "reset" });
      return;
    }
    this.batch.flush();
    this.dispatch({ type: "transcript_isolated", transcript: identity.kept.plan.transcript });
    this.settleKeep(identity.kept);
  }

  /** Sampling params for what is asked from now on. */
  setSampling(params: SamplingParams): void {
    this.asker = { ...this.asker, sampling: params };
  }

  /** With the glass on, replies bring each token's alternatives along. */
  setGlass(isOn: boolean): void {
    this.asker = { ...this.asker, isGlassOn: isOn };
  }

  readonly receive = (event: ServerEvent): void => {
    switch (event.type) {
      case "ready":
        this.batch.flush();
        this.catchUp();
        // What was changed elsewhere while nobody could tell is not known.
        if (this.wasReady) this.dispatch({ type: "news_missed" });
        this.wasReady = true;
        break;
      case "conversation":
        this.options.onConversationsChanged();
        this.dispatch({ type: "conversation_changed", conversation: event.conversation });
        break;
      case "pong":
        break;
      default:
        this.batch.push(event.type === "token" ? { ...event, receivedAt: this.now() } : event);
    }
  };

  send(transcript: TranscriptKey, text: string): void {
    this.ask({ type: "prompt_sent", transcript, text, params: compose.newParams(this.asker) });
  }

  /** Another answer beside this one. */
  regenerate(key: string): void {
    this.ask(compose.regenerate(this.state.get(), this.asker, key));
  }

  /**
   * The same answer once more, with its seed; nothing where that is not known. `lastBegun` is the
   * last token of those that it began with, where it did.
   */
  replay(key: string, lastBegun: number | null = null): void {
    this.ask(compose.replay(this.state.get(), this.asker, key, lastBegun));
  }

  /** Another question in the place of this one. */
  edit(key: string, text: string): void {
    this.ask(compose.edit(this.state.get(), this.asker, key, text));
  }

  /** A longer answer beside one that was cut short. */
  continueReply(key: string): void {
    this.ask(compose.continueReply(this.state.get(), this.asker, key));
  }

  /**
   * An answer that is like this one up to token `at`, has `token` there, and goes on freely.
   * `beginning`, where known, is shown until the stream has it.
   */
  branch(key: string, at: number, token: number, beginning = ""): void {
    this.ask(compose.branch(this.state.get(), this.asker, key, { at, token, beginning }));
  }

  showSibling(key: string, step: -1 | 1): Promise<void> {
    const found = findMessage(this.state.get(), key);
    if (found === null) return Promise.resolve();
    return this.pages.showSibling(found.transcript, found.message, step);
  }

  loadOlder(transcript: TranscriptKey): Promise<void> {
    return this.pages.loadOlder(transcript);
  }

  patchMessage(key: string, patch: MessagePatch): void {
    this.dispatch({ type: "message_patched", key, patch });
  }

  /** Stops an answer; until the server has accepted the prompt, the wish waits for that. */
  stop(key: string): void {
    this.dispatch({ type: "stop_requested", reply: key });
    const generation = this.state.get().replies[key]?.generation;
    if (generation) this.options.send({ type: "cancel", generation });
  }

  /** Asks again. What the server kept stays beside the new answer, the rest is replaced. */
  retry(key: string): void {
    const reply = this.state.get().replies[key];
    if (reply === undefined) return;
    const id = findMessage(this.state.get(), key)?.message.id ?? null;
    if (id !== null) return this.regenerate(key);
    this.dispatch({ type: "exchange_dropped", reply: key });
    this.send(reply.transcript, reply.prompt);
  }

  /** Removes an exchange the server refused or never saw; returns its text for the composer. */
  takeBack(key: string): string {
    const reply = this.state.get().replies[key];
    this.dispatch({ type: "exchange_dropped", reply: key });
    return reply?.prompt ?? "";
  }

  startDraft(): void {
    const { draft, transcripts } = this.state.get();
    const { messages, isTemporary } = transcripts[draft] ?? EMPTY_TRANSCRIPT;
    if (messages.length > 0 || isTemporary) this.dispatch({ type: "draft_started" });
  }

  /** A chat of which nothing is stored; it goes with the page. */
  startTemporary(): void {
    this.dispatch({ type: "draft_started", isTemporary: true });
  }

  /**
   * Stores the guest's chat for whoever has just signed in; null where there is none. Nothing
   * changes here before `reset` is told the outcome, so the stream goes on meanwhile.
   */
  async keepGuestChat(): Promise<KeepOutcome | null> {
    this.batch.flush();
    const plan = planKeep(this.state.get(), this.state.get().draft);
    return plan && (await carryOut(plan, this.options.keepChat));
  }

  /** Tries again to store a chat that could not be kept. */
  async retryKeep(transcript: TranscriptKey): Promise<void> {
    const plan = planKeep(this.state.get(), transcript);
    if (plan) this.settleKeep(await carryOut(plan, this.options.keepChat));
  }

  dismissNotice(): void {
    this.dispatch({ type: "notice_dismissed" });
  }

  forget(conversation: number): void {
    this.dispatch({ type: "conversation_removed", conversation });
  }

  /** Reads a conversation unless it is already here and current. */
  open(conversation: number): Promise<void> {
    return this.pages.open(conversation);
  }

  private apply(events: readonly GenerationEvent[]): void {
    const before = this.state.get();
    this.state.set(events.reduce<ChatState>(chatReducer, before));
    for (const event of events) {
      if (event.type === "accepted") this.followAccepted(event, before);
    }
    this.gaps.check(this.state.get().replies);
  }

  /** What the acceptance of a prompt makes necessary beyond the state itself. */
  private followAccepted(event: AcceptedEvent, before: ChatState): void {
    const key = this.state.get().byGeneration[event.generation];
    const reply = key === undefined ? undefined : this.state.get().replies[key];
    if (key === undefined || reply === undefined) return;
    if (reply.isStopping) this.options.send({ type: "cancel", generation: event.generation });
    const from = before.replies[key]?.transcript;
    if (event.conversation === null || from === reply.transcript) return;
    if (from === before.draft) this.options.onDraftStored(event.conversation);
    this.options.onConversationsChanged();
  }

  /** After a (re)connection: unsent prompts go out, running answers go on where they stopped. */
  private catchUp(): void {
    for (const [key, reply] of unsettledReplies(this.state.get())) {
      if (reply.generation === null) this.submit(key);
      else this.resume(reply, false);
    }
  }

  private resumeLoaded(conversation: number): void {
    const state = this.state.get();
    const key = liveReplyKey(state, conversationKey(conversation));
    const reply = key === null ? undefined : state.replies[key];
    // One with a cursor is already being followed.
    if (reply && reply.cursor === null) this.resume(reply, true);
  }

  private resume(reply: Reply, fromStart: boolean): void {
    const { generation, cursor } = reply;
    if (generation === null) return;
    const after = fromStart || cursor === null ? {} : { after: cursor };
    this.options.send({ type: "resume", generation, ...after });
    if (reply.isStopping) this.options.send({ type: "cancel", generation });
  }

  /** Puts a request on the page and sends it. */
  private ask(composed: compose.Composed | null): void {
    if (composed === null) return;
    const clientId = crypto.randomUUID();
    this.dispatch({ ...composed, clientId, sentAt: this.now() });
    this.submit(answerKey(clientId));
  }

  /** The client id makes this safe to do twice: the server answers with the first result. */
  private submit(key: string): void {
    const state = this.state.get();
    const reply = state.replies[key];
    if (reply === undefined || reply.clientId === null) return;
    const { clientId } = reply;
    this.options.send(submitMessage(state, { ...reply, clientId }, this.asker.isGuest));
  }

  private settleKeep({ plan: { transcript, keys }, detail, failure }: KeepOutcome): void {
    if (detail === null) {
      this.dispatch({ type: "draft_not_kept", transcript, failure });
      return;
    }
    this.dispatch({ type: "draft_kept", transcript, keys, detail });
    this.options.onDraftStored(detail.id);
    this.options.onConversationsChanged();
  }

  private dispatch(action: ChatAction): void {
    this.state.set(chatReducer(this.state.get(), action));
  }
}
