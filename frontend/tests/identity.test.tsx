import { act, render, screen, waitFor } from "@testing-library/react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { FakeApi, json } from "./fakes/fake-api";
import { FakeWebSocket } from "./fakes/fake-web-socket";
import { Providers } from "@/components/providers";
import { useSession } from "@/hooks/use-app";
import { isSameAsBefore, noteReplay } from "@/lib/replays";
import { LEFT, MEMBER_FLAG } from "@/lib/session";
import { showToast, shownToasts } from "@/lib/toasts";

const USER = { id: 7, username: "ana", created_at: "2026-01-01T00:00:00Z" };

function Status() {
  return <p data-testid="status">{useSession().status}</p>;
}

function status(): string | null {
  return screen.getByTestId("status").textContent;
}

/** Another tab of this browser takes the mark of a member away. */
function otherTabLeaves(oldValue: string): void {
  const event = new StorageEvent("storage", { key: MEMBER_FLAG, oldValue, newValue: null });
  act(() => void dispatchEvent(event));
}

beforeEach(async () => {
  FakeWebSocket.instances = [];
  vi.stubGlobal("WebSocket", FakeWebSocket);
  localStorage.setItem(MEMBER_FLAG, "1");
  const api = new FakeApi()
    .on("POST /api/auth/refresh", () => json(200, { token: "t" }))
    .on("GET /api/auth/me", () => json(200, USER))
    .on("POST /api/auth/ws-ticket", () => json(200, { ticket: "t1", expires_in: 30 }));
  vi.stubGlobal("fetch", api.fetch);
  history.replaceState(null, "", "/?c=12");
  render(
    <Providers>
      <Status />
    </Providers>,
  );
  await waitFor(() => expect(status()).toBe("member"));
});

describe("a member's page that becomes a guest's", () => {
  it("shows none of the notices, and tells nobody that they are gone", () => {
    const onGone = vi.fn();
    act(() => void showToast({ text: "“My secret” deleted.", onGone }));
    otherTabLeaves(LEFT);
    expect(status()).toBe("guest");
    expect(shownToasts.get()).toEqual([]);
    expect(onGone).not.toHaveBeenCalled();
  });

  it("knows no answer to compare a replay with", () => {
    noteReplay({ seed: 5, generation: "a", text: "Hello" });
    expect(isSameAsBefore({ seed: 5, generation: "b", text: "Hello" })).toBe(true);
    otherTabLeaves(LEFT);
    expect(isSameAsBefore({ seed: 5, generation: "b", text: "Hello" })).toBeNull();
  });

  it("names no conversation after somebody has signed out in another tab", () => {
    otherTabLeaves(LEFT);
    expect(status()).toBe("guest");
    expect(location.search).toBe("");
  });

  it("still names it where the session has ended by itself, to come back to it", () => {
    otherTabLeaves("1");
    expect(status()).toBe("guest");
    expect(location.search).toBe("?c=12");
  });
});
