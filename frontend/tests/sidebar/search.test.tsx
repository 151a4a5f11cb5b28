import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it } from "vitest";
import { json } from "../fakes/fake-api";
import { FakeConversations } from "../fakes/fake-conversations";
import { openSidebar, titles } from "./open-sidebar";
import { runShortcut } from "@/lib/shortcuts";

let server: FakeConversations;

beforeEach(() => {
  server = new FakeConversations().add(
    { id: 1, title: "Dogs", messages: { 40: "Do you like rivers?" } },
    { id: 2, title: "The river", messages: { 41: "It is long.", 42: "A river has fish." } },
    { id: 3, title: "Old river", archived: true },
  );
});

function searches(): readonly string[] {
  return server.calls.filter((call) => call.includes("q="));
}

async function search(text: string): Promise<void> {
  await userEvent.type(screen.getByTestId("search"), text);
}

function activeOption(): HTMLElement | null {
  const id = screen.getByTestId("search").getAttribute("aria-activedescendant");
  return id === null ? null : document.getElementById(id);
}

describe("the search", () => {
  it("shows titles and messages with what was found marked", async () => {
    await openSidebar(server);
    await search("river");
    await waitFor(() => expect(screen.getAllByTestId("search-result")).toHaveLength(2));
    const marks = [...document.querySelectorAll("mark")].map((mark) => mark.textContent);
    expect(marks).toEqual(["river", "river", "river"]);
    expect(screen.getByRole("listbox").textContent).toContain("A river has fish.");
    expect(screen.queryByTestId("conversation-list")).toBeNull();
  });

  it("asks once when the typing pauses, not for every letter", async () => {
    await openSidebar(server);
    for (const value of ["r", "ri", "riv", "rive", "river"]) {
      fireEvent.change(screen.getByTestId("search"), { target: { value } });
    }
    expect(searches()).toEqual([]);
    await waitFor(() => expect(screen.getAllByTestId("search-result")).toHaveLength(2));
    expect(searches()).toEqual(["GET /api/conversations?limit=20&q=river&archived=false"]);
  });

  it("aborts a request that a newer text has overtaken, and shows the newer answer", async () => {
    server.intercept = ({ call, signal }) =>
      /q=do&/.test(call)
        ? new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)))
        : undefined;
    await openSidebar(server);
    await search("do");
    await waitFor(() => expect(searches()).toHaveLength(1));
    const first = server.requests.find(({ call }) => call.includes("q=do"));
    await search("gs");
    await waitFor(() => expect(screen.getAllByTestId("search-result")).toHaveLength(1));
    expect(first?.signal?.aborted).toBe(true);
    expect(screen.getByTestId("search-result").textContent).toContain("Dogs");
  });

  it("goes through the results with arrow keys and opens the message with Enter", async () => {
    await openSidebar(server);
    await search("river");
    await waitFor(() => expect(screen.getAllByTestId("search-result")).toHaveLength(2));
    expect(activeOption()).toBeNull();
    await userEvent.keyboard("{ArrowDown}");
    expect(activeOption()?.textContent).toContain("Dogs");
    await userEvent.keyboard("{ArrowDown}");
    expect(activeOption()?.getAttribute("aria-selected")).toBe("true");
    await userEvent.keyboard("{Enter}");
    expect(location.search).toBe("?c=1&m=40");
    await userEvent.keyboard("{ArrowUp}{ArrowUp}");
    expect(activeOption()?.textContent).toContain("A river has fish.");
    expect(document.activeElement).toBe(screen.getByTestId("search"));
  });

  it("opens the first result with Enter alone", async () => {
    await openSidebar(server);
    await search("dogs");
    await screen.findByTestId("search-result");
    await userEvent.keyboard("{Enter}");
    expect(location.search).toBe("?c=1");
  });

  it("is emptied by Escape, and the list is there again", async () => {
    await openSidebar(server);
    await search("river");
    await screen.findByRole("listbox");
    await userEvent.keyboard("{Escape}");
    expect(screen.getByTestId<HTMLInputElement>("search").value).toBe("");
    expect(titles()).toEqual(["Dogs", "The river"]);
  });

  it("finds archived ones when asked, and says that they are", async () => {
    await openSidebar(server);
    await search("river");
    await waitFor(() => expect(screen.getAllByTestId("search-result")).toHaveLength(2));
    await userEvent.click(screen.getByTestId("with-archived"));
    await waitFor(() => expect(screen.getAllByTestId("search-result")).toHaveLength(3));
    const archived = screen.getByRole("group", { name: "Old river" });
    expect(within(archived).getByText("Archived")).toBeTruthy();
  });

  it("says that nothing was found", async () => {
    await openSidebar(server);
    await search("xylophone");
    expect((await screen.findByTestId("nothing-found")).textContent).toContain("“xylophone”");
  });

  it("offers another try when the server does not answer", async () => {
    let isDown = true;
    server.intercept = ({ call }) =>
      isDown && call.includes("q=") ? json(503, { code: "unavailable", detail: "" }) : undefined;
    await openSidebar(server);
    await search("river");
    const failure = await screen.findByTestId("list-failure");
    isDown = false;
    await userEvent.click(within(failure).getByRole("button", { name: "Try again" }));
    await waitFor(() => expect(screen.getAllByTestId("search-result")).toHaveLength(2));
  });

  it("is reached by its shortcut, also from the rail", async () => {
    await openSidebar(server);
    runShortcut("search");
    expect(document.activeElement).toBe(screen.getByTestId("search"));
    await userEvent.click(screen.getByTestId("sidebar-collapse"));
    expect(screen.queryByTestId("search")).toBeNull();
    expect(localStorage.getItem("eugpt.sidebar")).toBe("rail");
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId("sidebar-expand")));
    await userEvent.click(screen.getByTestId("rail-search"));
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId("search")));
    expect(localStorage.getItem("eugpt.sidebar")).toBeNull();
  });
});
