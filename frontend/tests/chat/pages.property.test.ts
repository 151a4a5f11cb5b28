import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChatAction } from "@/lib/chat/actions";
import * as compose from "@/lib/chat/compose";
import type { GenerationEvent, SubmitMessage } from "@/lib/chat/events";
import { oldestId } from "@/lib/chat/load";
import { chatReducer } from "@/lib/chat/reducer";
import { submitMessage } from "@/lib/chat/requests";
import { liveReplyKey, messageText, transcriptOf, unsettledReplies } from "@/lib/chat/selectors";
import { type ChatState, INITIAL_STATE, type Message } from "@/lib/chat/state";
import type { MessagePage } from "@/lib/api/conversations";
import { FakeServer } from "../fakes/fake-server";

const LIMIT = 4;
const MEMBER: compose.Asker = { isGuest: false, sampling: {}, isGlassOn: false };

/** A page and a server, and what is on its way between them. */
class World {
  state: ChatState = INITIAL_STATE;
  readonly server: FakeServer;
  private key: string;
  private asks = 0;
  private requests: SubmitMessage[] = [];
  private inbox: GenerationEvent[] = [];
  private load: { page: MessagePage | null } | null = null;
  private older: { before: number; page: MessagePage | null } | null = null;

  constructor(exchanges: number, isLoaded = true) {
    this.server = new FakeServer(exchanges);
    this.key = exchanges === 0 ? "draft:0" : "c:12";
    if (!isLoaded) return;
    this.startLoad();
    this.finishLoad();
  }

  /** Nothing is on its way but pages, so that the page must show what is stored. */
  get isQuiet(): boolean {
    const isAsking = Object.values(this.state.replies).some(({ status }) => status === "sending");
    return !isAsking && this.requests.length + this.inbox.length === 0;
  }

  readonly steps: Record<string, (n: number) => void> = {
    prompt: () =>
      this.ask({ type: "prompt_sent", transcript: this.key, text: `p${this.asks}` }),
    regenerate: (n) => this.askAbout(n, "assistant", compose.regenerate),
    edit: (n) =>
      this.askAbout(n, "user", (state, asker, key) =>
        compose.edit(state, asker, key, `e${this.asks}`),
      ),
    continue: (n) => this.askAbout(n, "assistant", compose.continueReply),
    take: () => this.takeNext((message) => this.server.take(message)),
    refuse: () => this.takeNext((message) => this.server.take(message, true)),
    write: (n) => this.stream(() => this.server.write(`w${n} `)),
    restart: () => this.stream(() => this.server.restart()),
    end: () => this.stream(() => this.server.end()),
    deliver: (n) => {
      for (let left = n % 5; left >= 0; left -= 1) this.deliver();
    },
    reconnect: () => this.reconnect(),
    changed: () => this.dispatch({ type: "conversation_changed", conversation: 12 }),
    startLoad: () => this.startLoad(),
    readLoad: () => {
      if (this.load) this.load.page = this.server.page(LIMIT);
    },
    finishLoad: () => this.finishLoad(),
    startOlder: () => this.startOlder(),
    finishOlder: () => this.finishOlder(),
  };

  get messages(): readonly Message[] {
    return transcriptOf(this.state, this.key).messages;
  }

  /** Lets everything come to its end, as time and the page's hooks do. */
  settle(): void {
    this.finishLoad();
    this.finishOlder();
    for (let round = 0; round < 5; round += 1) {
      this.reconnect();
      while (this.requests.length > 0) this.steps.take?.(0);
      if (this.server.running) this.stream(() => this.server.end());
      while (this.inbox.length > 0) this.deliver();
    }
    if (this.key === "draft:0") return;
    this.dispatch({ type: "conversation_changed", conversation: 12 });
    this.startLoad();
    this.finishLoad();
    for (let pages = 0; pages < 50 && transcriptOf(this.state, this.key).hasOlder; pages += 1) {
      this.startOlder();
      this.finishOlder();
    }
  }

  private dispatch(action: ChatAction): void {
    this.state = chatReducer(this.state, action);
    if (this.state.transcripts["c:12"]) this.key = "c:12";
  }

  private ask(composed: compose.Composed | null): void {
    if (composed === null || liveReplyKey(this.state, this.key) !== null) return;
    const clientId = `${(this.asks += 1)}`;
    this.dispatch({ ...composed, clientId });
    this.send(`a:${clientId}`);
  }

  private askAbout(
    n: number,
    role: Message["role"],
    wish: (state: ChatState, asker: compose.Asker, key: string) => compose.Composed | null,
  ): void {
    const own = this.messages.filter((message) => message.role === role && message.id !== null);
    const message = own[n % Math.max(1, own.length)];
    if (message) this.ask(wish(this.state, MEMBER, message.key));
  }

  private send(key: string): void {
    const reply = this.state.replies[key];
    if (!reply?.clientId) return;
    this.requests.push(submitMessage(this.state, { ...reply, clientId: reply.clientId }, false));
  }

  private takeNext(answer: (message: SubmitMessage) => GenerationEvent): void {
    const message = this.requests.shift();
    if (message === undefined) return;
    const event = answer(message);
    this.inbox.push(event);
    if (event.type === "accepted") this.inbox.push(...this.server.after(event.generation, null));
  }

  /** New entries reach whoever follows. */
  private stream(act: () => void): void {
    const run = this.server.running;
    if (run === null) return;
    const known = new Set(run.entries);
    act();
    this.inbox.push(...run.entries.filter((entry) => !known.has(entry)));
  }

  private deliver(): void {
    const event = this.inbox.shift();
    if (event) this.dispatch(event);
  }

  private reconnect(): void {
    this.inbox = [];
    this.requests = [];
    for (const [key, reply] of unsettledReplies(this.state)) {
      if (reply.generation === null) this.send(key);
      else this.inbox.push(...this.server.after(reply.generation, reply.cursor));
    }
  }

  private startLoad(): void {
    if (this.load || this.key !== "c:12") return;
    this.load = { page: null };
    this.dispatch({ type: "load_started", conversation: 12 });
  }

  private finishLoad(): void {
    if (this.load === null) return;
    const page = this.load.page ?? this.server.page(LIMIT);
    this.load = null;
    this.dispatch({ type: "load_finished", conversation: 12, page });
    const live = this.state.replies[liveReplyKey(this.state, "c:12") ?? ""];
    if (live?.generation && live.cursor === null) {
      this.inbox.push(...this.server.after(live.generation, null));
    }
  }

  private startOlder(): void {
    const before = oldestId(this.messages);
    const { hasOlder, isLoadingOlder } = transcriptOf(this.state, this.key);
    if (before === null || !hasOlder || isLoadingOlder) return;
    this.older = { before, page: this.server.page(LIMIT, before) };
    this.dispatch({ type: "older_started", conversation: 12 });
  }

  private finishOlder(): void {
    if (!this.older?.page) return;
    const { before, page } = this.older;
    this.older = null;
    this.dispatch({ type: "older_finished", conversation: 12, before, page });
  }
}

const NAMES = Object.keys(new World(0).steps);
const OFTEN = ["take", "take", "write", "end", "deliver", "deliver", "deliver", "readLoad"];
const step = fc.tuple(fc.constantFrom(...NAMES, ...OFTEN), fc.nat({ max: 50 }));
const course = fc.record({
  exchanges: fc.nat({ max: 6 }),
  isLoaded: fc.boolean(),
  steps: fc.array(step, { maxLength: 80, size: "max" }),
});

function unique(values: readonly unknown[]): boolean {
  return new Set(values).size === values.length;
}

describe("pages that come at any time between any events", () => {
  it("never show a message twice, nor hide what was asked", () => {
    fc.assert(
      fc.property(course, ({ exchanges, isLoaded, steps }) => {
        const world = new World(exchanges, isLoaded);
        for (const [name, n] of steps) {
          world.steps[name]?.(n);
          const { messages, state } = world;
          expect(unique(messages.map(({ key }) => key))).toBe(true);
          expect(unique(messages.flatMap(({ id }) => (id === null ? [] : [id])))).toBe(true);
          for (const [key] of unsettledReplies(state)) {
            expect(messages.map((message) => message.key)).toContain(key);
          }
          if (!world.isQuiet) continue;
          const shown = messages.flatMap(({ id }) => (id === null ? [] : [id]));
          const branch = world.server.branch().map(({ id }) => id);
          expect(shown).toEqual(branch.slice(branch.length - shown.length));
          expect(shown.length > 0 || !isLoaded || branch.length === 0).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("bring what stands above what was asked before the first of them", () => {
    const world = new World(1, false);
    const asked = ["prompt", "take", "end", "deliver", "deliver"];
    for (const name of [...asked, ...asked, "prompt"]) world.steps[name]?.(4);
    world.settle();
    const shown = world.messages.flatMap(({ id }) => (id === null ? [] : [id]));
    expect(shown).toEqual(world.server.branch().map(({ id }) => id));
  });

  it("end with the branch that is stored, word for word, and its siblings", () => {
    fc.assert(
      fc.property(course, ({ exchanges, isLoaded, steps }) => {
        const world = new World(exchanges, isLoaded);
        for (const [name, n] of steps) world.steps[name]?.(n);
        world.settle();
        const shown = world.messages.filter(({ id }) => id !== null);
        const branch = world.server.branch();
        expect(shown.map((message) => [message.id, messageText(world.state, message)])).toEqual(
          branch.map(({ id, content }) => [id, content]),
        );
        expect(shown.map(({ siblings }) => siblings)).toEqual(
          branch.map(({ siblings }) => siblings),
        );
        expect(unsettledReplies(world.state)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
