/**
 * The HTTP edge: base URL, JSON, errors, and the access token. The token lives in this object and
 * nowhere else; the refresh token is an HttpOnly cookie that script never sees.
 */
import { ApiError, errorFromResponse, networkError } from "./errors";
import { SUSPENDED } from "@/lib/failure-shape";
import { asObject, readString } from "@/lib/parse";

export type Method = "GET" | "POST" | "PATCH" | "PUT" | "DELETE";

export interface RequestOptions {
  readonly body?: object;
  /** JSON that is sent as it is: read and written again, its large numbers would be rounded. */
  readonly text?: string;
  readonly signal?: AbortSignal | undefined;
  /** Sent to the end even if the page is closed meanwhile; bodies of 64 KiB at most. */
  readonly isKeptAlive?: boolean;
  /** A 401 is an answer like any other: for what runs in `exclusively`, where no refresh can. */
  readonly isNotRefreshed?: boolean;
}

export interface Answer {
  readonly body: unknown;
  readonly headers: Headers;
}

/** A file that the server made; `name` is the one it gave, or null. */
export interface Download {
  readonly blob: Blob;
  readonly name: string | null;
}

/** Runs `task` while no other tab does; browsers give it as `navigator.locks`. */
export type Exclusive = <T>(task: () => Promise<T>) => Promise<T>;

export interface ApiClientOptions {
  readonly origin: string;
  readonly fetch: typeof fetch;
  readonly exclusive?: Exclusive;
  /** The refresh cookie is gone or refused: whoever was signed in no longer is. */
  readonly onSessionLost?: () => void;
  /** Whoever is, or wants to be, signed in may not be; any answer may say so. */
  readonly onSuspended?: (failure: ApiError) => void;
}

export class ApiClient {
  private token: string | null = null;
  private refreshing: Promise<void> | null = null;

  constructor(private readonly options: ApiClientOptions) {}

  get isSignedIn(): boolean {
    return this.token !== null;
  }

  setToken(token: string | null): void {
    this.token = token;
  }

  async request(method: Method, path: string, options: RequestOptions = {}): Promise<Answer> {
    return this.read(await this.sendSignedIn(method, path, options));
  }

  /** For files: a link could not carry the token. */
  async download(path: string, signal?: AbortSignal): Promise<Download> {
    const response = await this.sendSignedIn("GET", path, { signal });
    if (!response.ok) throw await this.errorOf(response);
    const name = fileName(response.headers.get("Content-Disposition"));
    return { blob: await response.blob(), name };
  }

  /** A 401 on an authenticated request is refreshed and repeated once. */
  private async sendSignedIn(
    method: Method,
    path: string,
    options: RequestOptions,
  ): Promise<Response> {
    const usedToken = this.token;
    const response = await this.send(method, path, options);
    if (response.status !== 401 || usedToken === null || options.isNotRefreshed) return response;
    // Another request may have refreshed while this one was under way.
    if (this.token === usedToken) await this.refresh();
    return this.send(method, path, options);
  }

  /**
   * Runs what ends this session's tokens and brings new ones, with a fresh token. No tab refreshes
   * meanwhile: with the old cookie it would be refused, and everybody here signed out.
   */
  async exclusively<T>(task: () => Promise<T>): Promise<T> {
    await this.refresh();
    return this.options.exclusive ? this.options.exclusive(task) : task();
  }

  /** Trades the refresh cookie for a new access token; concurrent callers share one round trip. */
  refresh(): Promise<void> {
    this.refreshing ??= this.refreshOnce().finally(() => {
      this.refreshing = null;
    });
    return this.refreshing;
  }

  private async refreshOnce(): Promise<void> {
    // Rotation blacklists the old cookie, so two tabs must not refresh with the same one.
    const exclusive: Exclusive = this.options.exclusive ?? ((task) => task());
    const before = this.token;
    const response = await exclusive(() => this.send("POST", "/api/auth/refresh", {}));
    if (response.ok) {
      const { body } = await this.read(response);
      // Whoever it is for has signed out meanwhile, or somebody else has signed in.
      if (this.token !== before) return;
      this.token = readString(asObject(body), "token");
      return;
    }
    const error = await this.errorOf(response);
    if (error.status === 401 || error.status === 403) {
      this.token = null;
      this.options.onSessionLost?.();
    }
    throw error;
  }

  private async send(method: Method, path: string, options: RequestOptions): Promise<Response> {
    const headers: Record<string, string> = { Accept: "application/json" };
    const body = options.text ?? (options.body ? JSON.stringify(options.body) : null);
    if (body !== null) headers["Content-Type"] = "application/json";
    const isRefresh = path === "/api/auth/refresh";
    if (this.token !== null && !isRefresh) headers.Authorization = `Bearer ${this.token}`;
    try {
      return await this.options.fetch(new URL(path, this.baseUrl()), {
        method,
        headers,
        credentials: "include",
        body,
        signal: options.signal ?? null,
        keepalive: options.isKeptAlive ?? false,
      });
    } catch (error) {
      if (options.signal?.aborted) throw error;
      throw networkError();
    }
  }

  private async read(response: Response): Promise<Answer> {
    if (!response.ok) throw await this.errorOf(response);
    try {
      const text = await response.text();
      // Nothing at all is an answer, too: "accepted", "done".
      return { body: text === "" ? null : JSON.parse(text), headers: response.headers };
    } catch {
      throw new ApiError(response.status, "bad_answer", "The answer was not JSON.");
    }
  }

  private async errorOf(response: Response): Promise<ApiError> {
    const error = await errorFromResponse(response);
    if (error.code === SUSPENDED) this.options.onSuspended?.(error);
    return error;
  }

  private baseUrl(): string {
    return this.options.origin || globalThis.location.origin;
  }
}

/** The name in a Content-Disposition header (RFC 6266); the encoded form is the whole one. */
export function fileName(header: string | null): string | null {
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(header ?? "")?.[1];
  const plain = /filename="((?:[^"\\]|\\.)*)"/i.exec(header ?? "")?.[1];
  try {
    if (encoded !== undefined) return decodeURIComponent(encoded);
  } catch {
    // Not what the standard says; the plain one may be there.
  }
  return plain?.replace(/\\(.)/g, "$1") ?? null;
}
