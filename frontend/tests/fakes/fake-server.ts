import type { MessagePage, Siblings, StoredMessage } from "@/lib/api/conversations";
import type { GenerationEvent, SubmitMessage } from "@/lib/chat/events";
import { generation, stored } from "./builders";

interface Row {
  readonly id: number;
  readonly role: "user" | "assistant";
  readonly parent: number | null;
  readonly run: Run | null;
  readonly content: string;
}

interface Run {
  readonly id: string;
  readonly message: number;
  readonly clientId: string;
  readonly entries: GenerationEvent[];
  text: string;
  seq: number;
  isEnded: boolean;
}

/** Plays the server's part for one conversation: a tree of messages, streams, pages of the branch. */
export class FakeServer {
  readonly conversation = 12;
  private readonly rows: Row[] = [];
  private readonly runs: Run[] = [];
  private entryId = 0;
  head: number | null = null;

  constructor(exchanges: number) {
    for (let n = 0; n < exchanges; n += 1) {
      const question = this.add("user", this.head, `q${n}`, null);
      this.head = this.add("assistant", question, `a${n}`, null);
    }
  }

  /** The first answer to a request, and the same to the same request again. */
  take(message: SubmitMessage, isFull = false): GenerationEvent {
    const known = this.runs.find(({ clientId }) => clientId === message.client_id);
    if (known) return this.accepted(known);
    if (this.running || isFull) return this.refused(message.client_id);
    const prompt = this.promptFor(message);
    const begun = message.type === "continue" ? this.textOf(message.message) : "";
    const run: Run = {
      id: `g${this.runs.length}`,
      message: this.rows.length + 1,
      clientId: message.client_id,
      entries: [],
      text: "",
      seq: 0,
      isEnded: false,
    };
    this.runs.push(run);
    this.head = this.add("assistant", prompt, "", run);
    this.start();
    if (begun) this.write(begun);
    return this.accepted(run);
  }

  private refused(clientId: string): GenerationEvent {
    const about = { generation: null, client_id: clientId, retry_after: 1 };
    return { type: "error", code: "queue_full", detail: "", ...about };
  }

  get running(): Run | null {
    return this.runs.find(({ isEnded }) => !isEnded) ?? null;
  }

  start(): void {
    const { running: run } = this;
    if (run === null) return;
    run.text = "";
    run.seq = 0;
    this.push(run, { type: "started", model: null, context_trimmed: 0, seed: 1 });
  }

  /** The worker and its stream are lost: the text begins anew. */
  restart(): void {
    this.running?.entries.splice(0);
    this.start();
  }

  write(text: string): void {
    const { running: run } = this;
    if (run === null) return;
    run.text += text;
    this.push(run, { type: "token", seq: run.seq, text });
    run.seq += 1;
  }

  end(): void {
    const { running: run } = this;
    if (run === null) return;
    run.isEnded = true;
    const end = { finish_reason: "stop", notice: null, usage: null, timings: null } as const;
    this.push(run, { type: "done", text: run.text, ...end });
  }

  /** What a reader is sent who stands at `cursor`. */
  after(generationId: string, cursor: string | null): readonly GenerationEvent[] {
    const run = this.runs.find(({ id }) => id === generationId);
    const from = cursor === null ? -1 : Number.parseInt(cursor, 10);
    return (run?.entries ?? []).filter(
      (entry) => !("id" in entry) || Number.parseInt(entry.id, 10) > from,
    );
  }

  page(limit: number, before: number | null = null): MessagePage {
    const branch = this.branch(before === null ? this.head : this.row(before).parent);
    return { messages: branch.slice(-limit), hasOlder: branch.length > limit };
  }

  branch(leaf: number | null = this.head): readonly StoredMessage[] {
    const found: StoredMessage[] = [];
    for (let id = leaf; id !== null; id = this.row(id).parent) found.unshift(this.stored(id));
    return found;
  }

  /** Shows the branch of a message down to its newest leaf. */
  show(message: number): void {
    let leaf = message;
    for (const row of this.rows) if (row.parent === leaf) leaf = this.newestChild(leaf);
    this.head = leaf;
  }

  private newestChild(id: number): number {
    return Math.max(id, ...this.rows.filter(({ parent }) => parent === id).map((row) => row.id));
  }

  private promptFor(message: SubmitMessage): number {
    switch (message.type) {
      case "prompt":
        return this.add("user", this.head, message.text, null);
      case "edit":
        return this.add("user", this.row(message.message).parent, message.text, null);
      default:
        return this.row(message.message).parent ?? 0;
    }
  }

  private accepted(run: Run): GenerationEvent {
    return {
      type: "accepted",
      generation: run.id,
      conversation: this.conversation,
      user_message: this.row(this.rowOf(run)).parent,
      assistant_message: this.rowOf(run),
      client_id: run.clientId,
    };
  }

  private rowOf(run: Run): number {
    return this.rows.find((row) => row.run === run)?.id ?? 0;
  }

  private push(run: Run, event: object): void {
    this.entryId += 1;
    const entry = { ...event, generation: run.id, id: `${this.entryId}-0` };
    run.entries.push(entry as unknown as GenerationEvent);
  }

  private add(role: Row["role"], parent: number | null, content: string, run: Run | null): number {
    const id = this.rows.length + 1;
    this.rows.push({ id, role, parent, content, run });
    return id;
  }

  private row(id: number): Row {
    const row = this.rows[id - 1];
    if (row === undefined) throw new Error(`no message ${id}`);
    return row;
  }

  private textOf(id: number): string {
    const { run, content } = this.row(id);
    return run?.text ?? content;
  }

  private stored(id: number): StoredMessage {
    const { role, parent, run } = this.row(id);
    const status = run?.isEnded === false ? "running" : "completed";
    return stored({
      id,
      role,
      parent,
      content: this.textOf(id),
      siblings: this.siblings(id),
      generation: run && generation({ id: run.id, status }),
    });
  }

  private siblings(id: number): Siblings {
    const { parent } = this.row(id);
    const ids = this.rows.filter((row) => row.parent === parent).map((row) => row.id);
    const at = ids.indexOf(id);
    return {
      index: at + 1,
      count: ids.length,
      previous: ids[at - 1] ?? null,
      next: ids[at + 1] ?? null,
    };
  }
}
