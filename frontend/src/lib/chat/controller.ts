/**
 * Joins the socket, the API and the chat state: sends what the person asks for, feeds events to the
 * reducer frame by frame, and repairs what a lost connection broke. No React in here.
 */
import type { AcceptedEvent, ClientMessage, GenerationEvent, ServerEvent } from "./events";
import { GapRepair } from "./gap-repair";
import { type ChatAction, chatReducer } from "./reducer";
import { guestHistory, liveReplyKey, transcriptOf, unsettledReplies } from "./selectors";
import {
  type ChatState,
  conversationKey,
  conversationOf,
  INITIAL_STATE,
  type Reply,
  type TranscriptKey,
} from "./state";
import { toFailure } from "@/lib/api/errors";
import type { StoredMessage } from "@/lib/api/conversations";
import { FrameBatch } from "@/lib/frame-batch";
import { Store } from "@/lib/store";

export interface ChatControllerOptions {
  /** False when the connection is down; unsent prompts go out again after the next `ready`. */
  readonly send: (message: ClientMessage) => boolean;
  readonly loadMessages: (conversation: number) => Promise<readonly StoredMessage[]>;
  /** The draft that is being shown became a stored conversation. */
  readonly onDraftStored: (conversation: number) => void;
  /** The list of conversations is out of date. */
  readonly onConversationsChanged: () => void;
}

export class ChatController {
  readonly state = new Store<ChatState>(INITIAL_STATE);
  private readonly batch = new FrameBatch<GenerationEvent>((events) => this.apply(events));
  private readonly gaps = new GapRepair((reply, fromStart) => this.resume(reply, fromStart));
  /** Guests' conversations are kept here alone and go along with each prompt. */
  private isGuest = true;
  /** Answers to requests made before a reset belong to somebody else. */
  private epoch = 0;

  constructor(private readonly options: ChatControllerOptions) {}

  /** Forgets everything, for when somebody signs in or out. */
  reset(identity: { readonly isGuest: boolean }): void {
    this.epoch += 1;
    this.isGuest = identity.isGuest;
    this.batch.clear();
    this.gaps.clear();
    this.dispatch({ type: "reset" });
  }

  readonly receive = (event: ServerEvent): void => {
    switch (event.type) {
      case "ready":
        this.batch.flush();
        this.catchUp();
        break;
      case "conversation":
        this.options.onConversationsChanged();
        this.dispatch({ type: "conversation_changed", conversation: event.conversation });
        break;
      case "pong":
        break;
      default:
        this.batch.push(event);
    }
  };

  send(transcript: TranscriptKey, text: string): void {
    const clientId = crypto.randomUUID();
    this.dispatch({ type: "prompt_sent", transcript, clientId, text });
    this.sendPrompt(`a:${clientId}`);
  }

  /** Stops an answer; until the server has accepted the prompt, the wish waits for that. */
  stop(key: string): void {
    this.dispatch({ type: "stop_requested", reply: key });
    const generation = this.state.get().replies[key]?.generation;
    if (generation) this.options.send({ type: "cancel", generation });
  }

  /** Asks again. What the server kept stays on the page, what it never took is replaced. */
  retry(key: string): void {
    const reply = this.state.get().replies[key];
    if (reply === undefined) return;
    if (reply.generation === null || this.isGuest) {
      this.dispatch({ type: "exchange_dropped", reply: key });
    }
    this.send(reply.transcript, reply.prompt);
  }

  /** Removes an exchange the server refused or never saw; returns its text for the composer. */
  takeBack(key: string): string {
    const reply = this.state.get().replies[key];
    this.dispatch({ type: "exchange_dropped", reply: key });
    return reply?.prompt ?? "";
  }

  startDraft(): void {
    const { draft } = this.state.get();
    if (transcriptOf(this.state.get(), draft).messages.length > 0) {
      this.dispatch({ type: "draft_started" });
    }
  }

  dismissNotice(): void {
    this.dispatch({ type: "notice_dismissed" });
  }

  forget(conversation: number): void {
    this.dispatch({ type: "conversation_removed", conversation });
  }

  /** Reads a conversation unless it is already here and current. */
  async open(conversation: number): Promise<void> {
    const known = this.state.get().transcripts[conversationKey(conversation)];
    const isCurrent = known?.load === "ready" && !known.isStale;
    if (isCurrent || known?.load === "loading") return;
    const epoch = this.epoch;
    this.dispatch({ type: "load_started", conversation });
    try {
      const messages = await this.options.loadMessages(conversation);
      if (epoch !== this.epoch) return;
      this.dispatch({ type: "load_finished", conversation, messages });
      this.resumeLoaded(conversation);
    } catch (error) {
      if (epoch !== this.epoch) return;
      this.dispatch({ type: "load_failed", conversation, failure: toFailure(error) });
    }
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
      if (reply.generation === null) this.sendPrompt(key);
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

  /** The client id makes this safe to do twice: the server answers with the first result. */
  private sendPrompt(key: string): void {
    const state = this.state.get();
    const reply = state.replies[key];
    if (reply === undefined || reply.clientId === null) return;
    const conversation = conversationOf(reply.transcript);
    this.options.send({
      type: "prompt",
      text: reply.prompt,
      client_id: reply.clientId,
      ...(conversation === null ? {} : { conversation }),
      ...(this.isGuest ? { history: guestHistory(state, reply.transcript) } : {}),
    });
  }

  private dispatch(action: ChatAction): void {
    this.state.set(chatReducer(this.state.get(), action));
  }
}
