import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { FakeApi, json } from "../fakes/fake-api";
import { FakeConversations } from "../fakes/fake-conversations";
import { testApp } from "../fakes/test-app";
import { ShareDialog } from "@/components/share/share-dialog";
import { SharedPage } from "@/components/share/shared-page";
import { AppContext } from "@/hooks/use-app";
import type { App } from "@/lib/app";

function show(app: App, content: React.ReactNode): void {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(
    <QueryClientProvider client={client}>
      <AppContext value={app}>{content}</AppContext>
    </QueryClientProvider>,
  );
}

describe("sharing a conversation", () => {
  let server: FakeConversations;
  const copied: string[] = [];

  beforeEach(() => {
    copied.length = 0;
    server = new FakeConversations().add({ id: 7, title: "Dogs" });
    const app = testApp(new FakeApi());
    vi.stubGlobal("fetch", server.fetch);
    show(app, <ShareDialog conversation={{ id: 7, title: "Dogs" }} onClose={() => undefined} />);
    vi.spyOn(navigator.clipboard, "writeText").mockImplementation(async (text) => {
      copied.push(text);
    });
  });

  it("says what is shared, makes a link that ends, and copies it", async () => {
    expect(screen.getByRole("dialog").textContent).toContain("Later messages are not in it.");
    await userEvent.click(screen.getByTestId("expiry-1"));
    await userEvent.click(screen.getByTestId("share-create"));
    expect((await screen.findByTestId("share-made")).textContent).toContain("The link is copied.");
    expect(copied).toEqual([`${location.origin}/shared/?s=slug1`]);
    expect(server.requests.at(-1)?.body).toEqual({ expires_in_days: 1 });
    expect(screen.getByTestId("share-row").textContent).toContain("Ends in 23 hours");
  });

  it("makes one without end when asked", async () => {
    await userEvent.click(screen.getByTestId("expiry-never"));
    await userEvent.click(screen.getByTestId("share-create"));
    await screen.findByTestId("share-made");
    expect(server.requests.at(-1)?.body).toEqual({ expires_in_days: null });
    expect(screen.getByTestId("share-row").textContent).toContain("Without end");
  });

  it("revokes one, or all, after asking", async () => {
    for (let count = 1; count <= 3; count += 1) {
      await userEvent.click(screen.getByTestId("share-create"));
      await waitFor(() => expect(screen.getAllByTestId("share-row")).toHaveLength(count));
    }
    await userEvent.click(screen.getAllByTestId("revoke")[0] as HTMLElement);
    await userEvent.click(screen.getByRole("button", { name: "Keep it" }));
    expect(server.shares).toHaveLength(3);
    await userEvent.click(screen.getAllByTestId("revoke")[0] as HTMLElement);
    await userEvent.click(screen.getByTestId("confirm"));
    await waitFor(() => expect(screen.getAllByTestId("share-row")).toHaveLength(2));
    expect(server.writes.at(-1)).toBe("DELETE /api/conversations/7/share/slug3");
    await userEvent.click(screen.getByTestId("revoke-all"));
    await userEvent.click(screen.getByTestId("confirm"));
    await waitFor(() => expect(screen.queryByTestId("share-row")).toBeNull());
    expect(server.writes.at(-1)).toBe("DELETE /api/conversations/7/share");
  });

  it.each([
    ["too_many_shares", 409, "20 links"],
    ["invalid", 400, "nothing to share"],
    ["unavailable", 503, "No link was made."],
  ])("tells %s in words", async (code, status, words) => {
    server.intercept = ({ call }) =>
      call.startsWith("POST") ? json(status, { code, detail: "" }) : undefined;
    await userEvent.click(screen.getByTestId("share-create"));
    expect((await screen.findByRole("alert")).textContent).toContain(words);
    expect(screen.queryByTestId("share-made")).toBeNull();
  });
});

describe("the shared page", () => {
  const SHARED = {
    title: "Dogs",
    created_at: "2026-11-22T10:00:00Z",
    expires_at: null,
    omitted: 1200,
    messages: [
      { role: "user", content: "Do you like dogs?", created_at: "2026-11-22T09:59:00Z", model: "" },
      { role: "assistant", content: "I do.", created_at: "2026-11-22T09:59:01Z", model: "eugpt-36m" },
    ],
  };

  beforeEach(() => {
    vi.stubGlobal("matchMedia", () => ({
      matches: false,
      addEventListener: () => undefined,
      removeEventListener: () => undefined,
    }));
  });

  function open(search: string, api: FakeApi): void {
    history.replaceState(null, "", `/shared/${search}`);
    show(testApp(api), <SharedPage />);
  }

  it("shows the copy with its date and model, without anybody's account", async () => {
    const api = new FakeApi().on("GET /api/shared/abc", () => json(200, SHARED));
    open("?s=abc", api);
    const copy = await screen.findByTestId("shared");
    expect(within(copy).getByRole("heading", { level: 1 }).textContent).toBe("Dogs");
    expect(copy.textContent).toContain("22 November 2026");
    expect(copy.textContent).toContain("eugpt-36m");
    expect(copy.textContent).toContain("1,200 older messages");
    expect(within(copy).getByText("I do.")).toBeTruthy();
    expect(screen.getByTestId("own-chat").getAttribute("href")).toBe("/");
    expect(document.title).toBe("Dogs · EuGPT");
    expect(api.requests[0]?.authorization).toBeNull();
  });

  it("says the same of a revoked link and of one that is none", async () => {
    open("?s=gone", new FakeApi());
    expect((await screen.findByTestId("shared-missing")).textContent).toContain("leads nowhere");
  });

  it.each(["", "?s=", "?s=../me"])("asks nobody about %j", async (search) => {
    const api = new FakeApi();
    open(search, api);
    expect(await screen.findByTestId("shared-missing")).toBeTruthy();
    expect(api.requests).toEqual([]);
  });

  it("offers another try when the server is away", async () => {
    let isDown = true;
    const api = new FakeApi().on("GET /api/shared/abc", () =>
      isDown ? json(503, { code: "unavailable", detail: "" }) : json(200, SHARED),
    );
    open("?s=abc", api);
    const retry = await screen.findByTestId("retry");
    isDown = false;
    await userEvent.click(retry);
    expect(await screen.findByTestId("shared")).toBeTruthy();
  });
});
