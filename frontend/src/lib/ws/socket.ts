/**
 * One WebSocket that stays: connects, reconnects with back-off, notices silent death by pings.
 * It moves events and knows nothing of conversations.
 */
import { backoffMs } from "@/lib/backoff";
import { type ClientMessage, parseServerEvent, type ServerEvent } from "@/lib/chat/events";
import type { Failure } from "@/lib/failure";

export type SocketStatus =
  | "idle"
  | "connecting"
  | "open"
  /** Lost; the next attempt is scheduled. */
  | "waiting"
  /** Ended for a reason that trying again cannot change. */
  | "refused";

export interface ChatSocketOptions {
  /** A fresh address for each attempt, since tickets are single use. */
  readonly url: () => Promise<string>;
  readonly onEvent: (event: ServerEvent) => void;
  readonly onStatus: (status: SocketStatus) => void;
  /** Why the server has ended the connection; null once there is one again. */
  readonly onProblem?: (problem: Failure | null) => void;
  /** The session behind the socket ended (4401); the next attempt needs a new one. */
  readonly onSessionEnded: () => void;
  /** The server does not want this user or this page (4403): trying again is of no use. */
  readonly onRefused: () => void;
}

const PING_EVERY_MS = 25_000;
const PONG_WITHIN_MS = 8_000;
const READY_WITHIN_MS = 15_000;
const SESSION_ENDED = 4401;
const REFUSED = 4403;
const IDLE = 4408;
const TOO_MANY_SOCKETS = 4429;
/** What close codes mean to a person; any other is a connection that was lost. */
const PROBLEMS: Readonly<Record<number, string>> = {
  [SESSION_ENDED]: "session_ended",
  [REFUSED]: "connection_refused",
  [IDLE]: "idle",
  [TOO_MANY_SOCKETS]: "too_many_tabs",
  1008: "too_many_requests",
  1013: "unavailable",
};
/** Counts as this many failed attempts already, so the next one is some seconds away. */
const SLOW_START = 4;

export class ChatSocket {
  private socket: WebSocket | null = null;
  private status: SocketStatus = "idle";
  private attempt = 0;
  private timer: ReturnType<typeof setTimeout> | null = null;
  /** Tells an address that arrives late that its attempt is over. */
  private epoch = 0;

  constructor(private readonly options: ChatSocketOptions) {}

  /** Connects now, also when a retry was already scheduled; does nothing while connected. */
  connect(): void {
    if (this.status === "connecting" || this.status === "open") return;
    void this.open();
  }

  close(): void {
    this.drop();
    this.setStatus("idle");
  }

  /** False when there is no open connection; the caller sends again after the next `ready`. */
  send(message: ClientMessage): boolean {
    if (this.status !== "open" || this.socket === null) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  /** Asks the server for a sign of life and reconnects when none comes, after a phone slept say. */
  probe(): void {
    if (this.status === "waiting" || this.status === "idle") this.connect();
    else if (this.status === "open") this.ping();
  }

  private async open(): Promise<void> {
    this.drop();
    const epoch = this.epoch;
    this.setStatus("connecting");
    // Also for the address: its request may go down a connection that died without a word.
    this.after(READY_WITHIN_MS, () => this.retryLater());
    let url: string;
    try {
      url = await this.options.url();
    } catch {
      if (epoch === this.epoch) this.retryLater();
      return;
    }
    if (epoch !== this.epoch) return;
    const socket = new WebSocket(url);
    this.socket = socket;
    socket.onmessage = (message) => this.receive(message.data);
    socket.onclose = (event) => this.closed(event.code);
    this.after(READY_WITHIN_MS, () => this.retryLater());
  }

  private receive(frame: unknown): void {
    if (this.status === "open") this.after(PING_EVERY_MS, () => this.ping());
    const event = typeof frame === "string" ? parseServerEvent(frame) : null;
    if (event === null) return;
    if (event.type === "ready") {
      this.attempt = 0;
      this.setStatus("open");
      this.options.onProblem?.(null);
      this.after(PING_EVERY_MS, () => this.ping());
    }
    this.options.onEvent(event);
  }

  private closed(code: number): void {
    const problem = PROBLEMS[code];
    if (problem) this.options.onProblem?.({ code: problem, detail: "", retryAfterS: null });
    if (code === REFUSED) {
      this.drop();
      this.setStatus("refused");
      this.options.onRefused();
      return;
    }
    if (code === SESSION_ENDED) this.options.onSessionEnded();
    if (code === TOO_MANY_SOCKETS) this.attempt = Math.max(this.attempt, SLOW_START);
    this.retryLater();
  }

  private ping(): void {
    this.send({ type: "ping" });
    this.after(PONG_WITHIN_MS, () => this.retryLater());
  }

  private retryLater(): void {
    this.drop();
    this.setStatus("waiting");
    this.after(backoffMs(this.attempt), () => void this.open());
    this.attempt += 1;
  }

  private drop(): void {
    this.epoch += 1;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (this.socket === null) return;
    this.socket.onmessage = null;
    this.socket.onclose = null;
    this.socket.close();
    this.socket = null;
  }

  private after(delayMs: number, run: () => void): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = setTimeout(run, delayMs);
  }

  private setStatus(status: SocketStatus): void {
    if (status === this.status) return;
    this.status = status;
    this.options.onStatus(status);
  }
}
