import { act, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it } from "vitest";
import { json } from "../fakes/fake-api";
import { FakeConversations } from "../fakes/fake-conversations";
import { chooseFromListMenu, chooseFromMenu, closeToasts, openSidebar, titles } from "./open-sidebar";
import { shownToasts } from "@/lib/toasts";

let server: FakeConversations;

beforeEach(() => {
  server = new FakeConversations().add(
    { id: 1, title: "Dogs" },
    { id: 2, title: "Cats" },
    { id: 3, title: "Birds" },
  );
});

function toastTexts(): readonly string[] {
  return shownToasts.get().map(({ text }) => text);
}

describe("deleting", () => {
  it("takes the entry away at once and tells the server when the notice has gone", async () => {
    await openSidebar(server);
    await chooseFromMenu("Cats", "delete");
    expect(titles()).toEqual(["Dogs", "Birds"]);
    expect(toastTexts()).toEqual(["“Cats” deleted."]);
    expect(server.writes).toEqual([]);
    act(closeToasts);
    await waitFor(() => expect(server.writes).toEqual(["DELETE /api/conversations/2"]));
    expect(titles()).toEqual(["Dogs", "Birds"]);
  });

  it("brings it back before, and never tells the server", async () => {
    history.replaceState(null, "", "/?c=2");
    await openSidebar(server);
    await chooseFromMenu("Cats", "delete");
    expect(location.search).toBe("");
    await userEvent.click(await screen.findByTestId("toast-action"));
    expect(titles()).toEqual(["Dogs", "Cats", "Birds"]);
    expect(location.search).toBe("?c=2");
    expect(shownToasts.get()).toEqual([]);
    expect(server.writes).toEqual([]);
  });

  it("gives the focus to what Undo brings back, and from a notice put away to where it was", async () => {
    await openSidebar(server);
    await chooseFromMenu("Cats", "delete");
    await userEvent.click(await screen.findByTestId("toast-action"));
    await waitFor(() => expect(document.activeElement?.textContent).toBe("Cats"));
    await chooseFromMenu("Cats", "delete");
    const neighbour = document.activeElement;
    expect(neighbour?.textContent).toBe("Birds");
    act(() => screen.getByTestId("toast-action").focus());
    await userEvent.keyboard("{Escape}");
    await waitFor(() => expect(document.activeElement).toBe(neighbour));
  });

  it("does not let an older answer bring a deleted one back", async () => {
    await openSidebar(server);
    await chooseFromMenu("Cats", "delete");
    await chooseFromListMenu("show-archive");
    const before = server.calls.length;
    await userEvent.click(screen.getByTestId("archive-back"));
    await waitFor(() => expect(server.calls.length).toBeGreaterThan(before));
    expect(server.rows).toHaveLength(3);
    expect(titles()).toEqual(["Dogs", "Birds"]);
  });

  it("is sent as the page goes, to outlive it", async () => {
    await openSidebar(server);
    await chooseFromMenu("Cats", "delete");
    await chooseFromMenu("Dogs", "delete");
    act(() => void dispatchEvent(new Event("pagehide")));
    expect(server.writes).toEqual(["DELETE /api/conversations/2", "DELETE /api/conversations/1"]);
    expect(server.requests.slice(-2).every(({ isKeptAlive }) => isKeptAlive)).toBe(true);
    expect(shownToasts.get()).toEqual([]);
    act(() => void dispatchEvent(new Event("pagehide")));
    expect(server.writes).toHaveLength(2);
  });

  it("is sent before signing out", async () => {
    await openSidebar(server);
    await chooseFromMenu("Cats", "delete");
    act(() => screen.getByTestId("account-menu").focus());
    await userEvent.keyboard("{Enter}");
    await userEvent.click(await screen.findByTestId("sign-out"));
    await waitFor(() => expect(server.writes).toContain("POST /api/auth/logout"));
    expect(server.writes[0]).toBe("DELETE /api/conversations/2");
  });

  it("is nobody's after the session has ended", async () => {
    const app = await openSidebar(server);
    await chooseFromMenu("Cats", "delete");
    act(() => app.session.lose(null));
    expect(shownToasts.get()).toEqual([]);
    expect(server.writes).toEqual([]);
  });

  it("brings the entry back and says why when the server refuses", async () => {
    server.intercept = ({ call }) =>
      call.startsWith("DELETE") ? json(503, { detail: "", code: "unavailable" }) : undefined;
    await openSidebar(server);
    await chooseFromMenu("Cats", "delete");
    act(closeToasts);
    await waitFor(() => expect(titles()).toEqual(["Dogs", "Cats", "Birds"]));
    expect(toastTexts()[0]).toMatch(/^Not deleted\. /);
    expect(shownToasts.get()[0]?.isUrgent).toBe(true);
  });

  it("takes one that is gone already as deleted", async () => {
    await openSidebar(server);
    await chooseFromMenu("Cats", "delete");
    server.rows.splice(1, 1);
    act(closeToasts);
    await waitFor(() => expect(server.writes).toHaveLength(1));
    expect(titles()).toEqual(["Dogs", "Birds"]);
    expect(shownToasts.get()).toEqual([]);
  });

  it("moves the focus to the neighbour", async () => {
    await openSidebar(server);
    await chooseFromMenu("Cats", "delete");
    await waitFor(() => expect(document.activeElement?.textContent).toBe("Birds"));
  });
});

describe("several at once", () => {
  async function select(...wanted: readonly string[]): Promise<void> {
    await chooseFromListMenu("select-several");
    for (const title of wanted) await userEvent.click(screen.getByRole("checkbox", { name: title }));
  }

  it("are deleted by one request, with one Undo", async () => {
    await openSidebar(server);
    await select("Dogs", "Birds");
    expect(screen.getByTestId("selection-bar").textContent).toContain("2 selected");
    await userEvent.click(screen.getByTestId("bulk-delete"));
    expect(titles()).toEqual(["Cats"]);
    expect(toastTexts()).toEqual(["2 conversations deleted."]);
    act(closeToasts);
    await waitFor(() => expect(server.writes).toEqual(["POST /api/conversations/bulk"]));
    expect(server.requests.at(-1)?.body).toEqual({ ids: [1, 3], action: "delete" });
  });

  it("are archived and brought back", async () => {
    await openSidebar(server);
    await select("Dogs", "Cats");
    await userEvent.click(screen.getByTestId("bulk-archive"));
    await waitFor(() => expect(titles()).toEqual(["Birds"]));
    await userEvent.click(await screen.findByTestId("toast-action"));
    await waitFor(() => expect(titles()).toEqual(["Dogs", "Cats", "Birds"]));
    const bodies = server.requests.filter(({ call }) => call.includes("bulk")).map((r) => r.body);
    expect(bodies).toEqual([
      { ids: [1, 2], action: "archive" },
      { ids: [1, 2], action: "unarchive" },
    ]);
  });

  it("are all the shown ones at a click, and none at the next", async () => {
    await openSidebar(server);
    await select();
    expect(screen.getByTestId<HTMLButtonElement>("bulk-delete").disabled).toBe(true);
    await userEvent.click(screen.getByTestId("select-all"));
    expect(screen.getByTestId("selection-bar").textContent).toContain("3 selected");
    await userEvent.click(screen.getByTestId("select-all"));
    expect(screen.getByTestId("selection-bar").textContent).toContain("Select all shown");
  });

  it("are let go by Escape, which gives the focus back", async () => {
    await openSidebar(server);
    await select("Dogs");
    await userEvent.keyboard("{Escape}");
    expect(screen.queryByTestId("selection-bar")).toBeNull();
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId("list-menu")));
  });
});
