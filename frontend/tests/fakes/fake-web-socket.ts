import type { ClientMessage } from "@/lib/chat/events";

/** Stands in for the browser's WebSocket; the test plays the server through the newest instance. */
export class FakeWebSocket {
  static instances: FakeWebSocket[] = [];

  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readonly sent: ClientMessage[] = [];
  isClosed = false;

  constructor(readonly url: string) {
    FakeWebSocket.instances.push(this);
  }

  static newest(): FakeWebSocket {
    const socket = FakeWebSocket.instances.at(-1);
    if (socket === undefined) throw new Error("nobody has connected");
    return socket;
  }

  send(frame: string): void {
    this.sent.push(JSON.parse(frame) as ClientMessage);
  }

  close(): void {
    this.isClosed = true;
  }

  serve(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  serveReady(): void {
    this.serve({ type: "ready", user: null, limits: {} });
  }

  /** Ends the connection from the server's side. */
  drop(code = 1006): void {
    this.onclose?.({ code });
  }

  lastSent<T extends ClientMessage["type"]>(type: T): Extract<ClientMessage, { type: T }> {
    const found = this.sent.findLast((message) => message.type === type);
    if (found === undefined) throw new Error(`no ${type} was sent`);
    return found as Extract<ClientMessage, { type: T }>;
  }
}
