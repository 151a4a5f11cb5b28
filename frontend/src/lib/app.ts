/**
 * Puts the parts together: one API client, session, socket and chat for the life of the page. What
 * each of them does when another changes is said here and nowhere else.
 */
import { socketTicket } from "./api/auth";
import { ApiClient, type Exclusive } from "./api/client";
import { getConversation, keepConversation, showBranch } from "./api/conversations";
import { failureOf } from "./chat/answers";
import { ChatController } from "./chat/controller";
import type { KeepOutcome } from "./chat/keep";
import { API_ORIGIN, socketUrl } from "./config";
import { type Failure, SUSPENDED } from "./failure-shape";
import { guestSampling, loadGuestSampling } from "./sampling";
import { type Session, SessionKeeper } from "./session";
import { Store } from "./store";
import { ChatSocket, type SocketStatus } from "./ws/socket";

export interface AppHooks {
  readonly onDraftStored: (conversation: number) => void;
  readonly onConversationsChanged: () => void;
  /** Somebody else's data may be on the page: forget all of it. */
  readonly onIdentityChanged: () => void;
  /** Signed out in another tab: what the address names is nothing to come back to. */
  readonly onSignedOutElsewhere?: () => void;
}

export interface App {
  readonly api: ApiClient;
  readonly session: SessionKeeper;
  readonly chat: ChatController;
  readonly connection: Store<SocketStatus>;
  /** Why there is no connection, where the server has said so. */
  readonly problem: Store<Failure | null>;
  /** Connects to the browser and the server; returns what undoes it. */
  readonly start: () => () => void;
}

export function createApp(hooks: AppHooks): App {
  const connection = new Store<SocketStatus>("idle");
  const api = new ApiClient({
    origin: API_ORIGIN,
    fetch: (input, init) => fetch(input, init),
    exclusive: oneTabAtATime,
    onSessionLost: () => session.lose({ code: "session_ended", detail: "", retryAfterS: null }),
    onSuspended: (failure) => session.suspend(failure),
  });
  const problem = new Store<Failure | null>(null);
  /** Of the guest's chat, until the page is the member's. */
  let kept: KeepOutcome | null = null;
  const session: SessionKeeper = new SessionKeeper(api, async () => {
    kept = await chat.keepGuestChat();
    return kept?.detail?.id ?? null;
  });
  const chat: ChatController = new ChatController({
    send: (message) => socket.send(message),
    loadPage: (conversation, before) => getConversation(api, conversation, before),
    showBranch: (conversation, message) => showBranch(api, conversation, message),
    keepChat: (request) => keepConversation(api, request),
    onDraftStored: hooks.onDraftStored,
    onConversationsChanged: hooks.onConversationsChanged,
  });
  const socket: ChatSocket = new ChatSocket({
    url: async () =>
      socketUrl(API_ORIGIN, location.origin, api.isSignedIn ? await socketTicket(api) : null),
    onEvent: (event) => {
      if (event.type === "error" && event.code === SUSPENDED) session.suspend(failureOf(event));
      else chat.receive(event);
    },
    onStatus: (status) => connection.set(status),
    onProblem: (failure) => problem.set(failure),
    onSessionEnded: lookAgain,
    onRefused: lookAgain,
  });

  /** A refresh that is refused says why, and ends the session. */
  function lookAgain(): void {
    if (api.isSignedIn) void api.refresh().catch(() => undefined);
  }

  /** The defaults of answers: a member's are on the server, a guest's on this device. */
  function applySampling(): void {
    chat.setSampling(session.state.get().user?.sampling ?? guestSampling.get());
  }

  function start(): () => void {
    loadGuestSampling();
    applySampling();
    const stopSampling = guestSampling.subscribe(applySampling);
    let identity = identityOf(session.state.get());
    const stopWatching = session.state.subscribe(() => {
      const next = identityOf(session.state.get());
      applySampling();
      if (next === identity) return;
      identity = next;
      socket.close();
      chat.reset({ isGuest: session.state.get().status === "guest", kept });
      kept = null;
      hooks.onIdentityChanged();
      socket.connect();
    });
    const stopProbing = probeOnReturn(socket);
    const stopFollowing = session.followOtherTabs(hooks.onSignedOutElsewhere);
    if (identity === null) void session.restore();
    else socket.connect();
    return () => {
      stopSampling();
      stopWatching();
      stopProbing();
      stopFollowing();
      socket.close();
    };
  }

  return { api, session, chat, connection, problem, start };
}

/** Null while it is not known yet. */
function identityOf({ status, user }: Session): string | null {
  if (status === "restoring") return null;
  return user === null ? "guest" : `user:${user.id}`;
}

/** A phone that slept or a network that came back: look at once instead of at the next ping. */
function probeOnReturn(socket: ChatSocket): () => void {
  const onVisible = (): void => {
    if (document.visibilityState === "visible") socket.probe();
  };
  const onOnline = (): void => socket.probe();
  document.addEventListener("visibilitychange", onVisible);
  addEventListener("online", onOnline);
  return () => {
    document.removeEventListener("visibilitychange", onVisible);
    removeEventListener("online", onOnline);
  };
}

/** Web Locks exist on secure origins only; elsewhere tabs take their chances. */
const oneTabAtATime: Exclusive = async (task) =>
  navigator.locks ? await navigator.locks.request("eugpt.refresh", task) : await task();
