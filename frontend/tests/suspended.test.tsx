import { act, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";
import { AuthForm } from "@/components/auth/auth-form";
import { Providers } from "@/components/providers";
import { useSession } from "@/hooks/use-app";
import { readFlag, writeFlag } from "@/lib/flags";
import { MEMBER_FLAG } from "@/lib/session";
import { FakeApi, json } from "./fakes/fake-api";
import { FakeWebSocket } from "./fakes/fake-web-socket";

const replace = vi.fn();
vi.mock("next/navigation", () => ({ useRouter: () => ({ replace }) }));

const ANA = { id: 1, username: "ana", created_at: "2026-01-01T10:00:00Z" };

function suspended(until: string | null = null): object {
  return { detail: "Suspended.", code: "suspended", reason: "Spam\nagain", until };
}

function Who() {
  return <p data-testid="who">{useSession().user?.username ?? "nobody"}</p>;
}

function show(api: FakeApi): void {
  vi.stubGlobal("fetch", api.fetch);
  render(
    <Providers>
      <Who />
      <AuthForm mode="login" />
    </Providers>,
  );
}

function signedIn(): FakeApi {
  writeFlag(MEMBER_FLAG, "1");
  return new FakeApi()
    .on("POST /api/auth/refresh", () => json(200, { token: "t" }))
    .on("GET /api/auth/me", () => json(200, ANA))
    .on("POST /api/auth/ws-ticket", () => json(200, { ticket: "w", expires_in: 30 }));
}

async function expectSuspended(): Promise<void> {
  expect((await screen.findByTestId("suspended-reason")).textContent).toBe("Spam\nagain");
  expect(screen.queryByTestId("who")).toBeNull();
  expect(readFlag(MEMBER_FLAG)).toBeNull();
}

beforeEach(() => {
  vi.stubGlobal("WebSocket", FakeWebSocket);
  FakeWebSocket.instances = [];
  replace.mockClear();
  localStorage.clear();
});

async function signIn(): Promise<void> {
  await userEvent.type(screen.getByLabelText("Name"), "ana");
  await userEvent.type(screen.getByLabelText("Password"), "correct horse");
  await userEvent.click(screen.getByTestId("auth-submit"));
}

it("takes the page when a sign-in is answered so", async () => {
  show(new FakeApi().on("POST /api/auth/login", () => json(403, suspended())));
  await signIn();
  await expectSuspended();
  screen.getByText(/until somebody who runs this site lifts it/i);
});

it("takes the page when a reload finds it, and leaves the person a guest", async () => {
  writeFlag(MEMBER_FLAG, "1");
  show(new FakeApi().on("POST /api/auth/refresh", () => json(403, suspended())));
  await expectSuspended();
  await userEvent.click(screen.getByTestId("suspended-leave"));
  expect((await screen.findByTestId("who")).textContent).toBe("nobody");
});

it("takes the page when any request is answered so", async () => {
  const api = signedIn().on("POST /api/auth/ws-ticket", () => json(403, suspended()));
  show(api);
  await expectSuspended();
  expect(api.count("POST /api/auth/ws-ticket")).toBe(1);
});

it("takes the page when the socket says it, before it closes", async () => {
  show(signedIn());
  await waitFor(() => expect(FakeWebSocket.instances).toHaveLength(1));
  act(() => FakeWebSocket.newest().serveReady());
  expect(screen.getByTestId("who").textContent).toBe("ana");
  act(() => {
    FakeWebSocket.newest().serve({ type: "error", ...suspended() });
    FakeWebSocket.newest().drop(4403);
  });
  await expectSuspended();
});

it("asks why when the socket is closed without a word", async () => {
  const api = signedIn();
  show(api);
  await waitFor(() => expect(FakeWebSocket.instances).toHaveLength(1));
  act(() => FakeWebSocket.newest().serveReady());
  api.on("POST /api/auth/refresh", () => json(403, suspended()));
  act(() => FakeWebSocket.newest().drop(4403));
  await expectSuspended();
});

it("keeps a session that goes on when the socket alone is refused", async () => {
  const api = signedIn();
  show(api);
  await waitFor(() => expect(FakeWebSocket.instances).toHaveLength(1));
  act(() => FakeWebSocket.newest().serveReady());
  act(() => FakeWebSocket.newest().drop(4403));
  await waitFor(() => expect(api.count("POST /api/auth/refresh")).toBe(2));
  expect(screen.getByTestId("who").textContent).toBe("ana");
});

it("offers the sign-in when its time is over", async () => {
  // Counted from the answer: typing takes its time on a busy machine.
  const soon = (): string => new Date(Date.now() + 3_000).toISOString();
  const api = new FakeApi().on("POST /api/auth/login", () => json(403, suspended(soon())));
  show(api);
  await signIn();
  await expectSuspended();
  screen.getByText(/in less than an hour/);
  await screen.findByText("You can come back", {}, { timeout: 10_000 });
  api.on("POST /api/auth/login", () => json(200, { token: "t", user: ANA }));
  await userEvent.click(screen.getByTestId("suspended-sign-in"));
  expect(replace).toHaveBeenCalledWith("/login/");
  await screen.findByTestId("who");
  await signIn();
  await waitFor(() => expect(screen.getByTestId("who").textContent).toBe("ana"));
});
