/** Who is using the page: finds out on load, and changes by sign-in, sign-out or the server's word. */
import * as auth from "./api/auth";
import type { ApiClient } from "./api/client";
import { ApiError } from "./api/errors";
import { backoffMs } from "./backoff";
import type { Failure } from "./failure";
import { readFlag, writeFlag } from "./flags";
import { Store } from "./store";

export interface Session {
  readonly status: "restoring" | "guest" | "member";
  readonly user: auth.User | null;
  /** Why somebody who was signed in no longer is. */
  readonly ended: Failure | null;
  /** The conversation that this member's chat as a guest became, to be shown after signing in. */
  readonly kept: number | null;
}

export interface Entry extends auth.Credentials {
  /** The guest's chat becomes the member's. */
  readonly keepChat?: boolean;
}

/**
 * Says that a refresh cookie may exist, so that guests are spared a request that must fail. Read by
 * the boot script too (`lib/boot.ts`), to lay out the right page before anything else has loaded.
 */
export const MEMBER_FLAG = "eugpt.member";

/** The flag's last value where the person wanted to leave: it tells other tabs so. */
export const LEFT = "left";

const GUEST: Session = { status: "guest", user: null, ended: null, kept: null };

export class SessionKeeper {
  readonly state = new Store<Session>({ ...GUEST, status: "restoring" });

  constructor(
    private readonly api: ApiClient,
    /** Stores the guest's chat for whoever has just signed in; its id, or null. Never throws. */
    private readonly keepChat: () => Promise<number | null> = async () => null,
  ) {}

  /** Retries for as long as the server is out of reach: nobody is signed out by a restart. */
  async restore(): Promise<void> {
    if (readFlag(MEMBER_FLAG) === null) return this.state.set(GUEST);
    for (let attempt = 0; this.state.get().status === "restoring"; attempt += 1) {
      try {
        return this.enter(await auth.restore(this.api));
      } catch (error) {
        const isFinal = error instanceof ApiError && (error.status === 401 || error.status === 403);
        if (isFinal) return this.leave(this.state.get().ended);
        await new Promise((resolve) => setTimeout(resolve, backoffMs(attempt)));
      }
    }
  }

  async login({ keepChat = false, ...credentials }: Entry): Promise<void> {
    const user = await auth.login(this.api, credentials);
    this.enter(user, keepChat ? await this.keepChat() : null);
  }

  async register({ keepChat = false, ...credentials }: Entry): Promise<void> {
    const user = await auth.register(this.api, credentials);
    this.enter(user, keepChat ? await this.keepChat() : null);
  }

  async logout(): Promise<void> {
    try {
      await auth.logout(this.api);
    } finally {
      writeFlag(MEMBER_FLAG, LEFT);
      this.leave(null);
    }
  }

  /** The same person under another name or with other settings. */
  replaceUser(user: auth.User): void {
    const session = this.state.get();
    if (session.user?.id === user.id) this.state.set({ ...session, user });
  }

  /**
   * Signing out in one tab is meant for all of them, and `onSignedOut` hears of it; a session that
   * has ended there has ended here too. Returns what ends the watch.
   */
  followOtherTabs(onSignedOut?: () => void): () => void {
    const onStorage = (event: StorageEvent): void => {
      if (event.key !== MEMBER_FLAG || event.newValue !== null) return;
      if (this.state.get().status !== "member") return;
      this.leave(null);
      if (event.oldValue === LEFT) onSignedOut?.();
    };
    addEventListener("storage", onStorage);
    return () => removeEventListener("storage", onStorage);
  }

  /** The session is over without a sign-out; null where the person has ended it some other way. */
  lose(reason: Failure | null): void {
    if (this.state.get().status !== "member") return;
    if (reason === null) writeFlag(MEMBER_FLAG, LEFT);
    this.leave(reason);
  }

  /** The server lets this account do nothing, whether somebody is signed in or wants to be. */
  suspend(reason: Failure): void {
    this.leave(reason);
  }

  dismissEnded(): void {
    this.state.set({ ...this.state.get(), ended: null });
  }

  private enter(user: auth.User, kept: number | null = null): void {
    writeFlag(MEMBER_FLAG, "1");
    this.state.set({ status: "member", user, ended: null, kept });
  }

  private leave(ended: Failure | null): void {
    this.api.setToken(null);
    writeFlag(MEMBER_FLAG, null);
    this.state.set({ ...GUEST, ended });
  }
}
