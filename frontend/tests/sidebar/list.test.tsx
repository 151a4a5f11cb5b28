import { act, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { json } from "../fakes/fake-api";
import { FakeConversations } from "../fakes/fake-conversations";
import { chooseFromListMenu, chooseFromMenu, openSidebar, titles } from "./open-sidebar";
import { shownToasts } from "@/lib/toasts";

let server: FakeConversations;

beforeEach(() => {
  server = new FakeConversations();
});

function headings(): readonly (string | null)[] {
  const list = screen.getByTestId("conversation-list");
  return within(list).queryAllByRole("heading").map((heading) => heading.textContent);
}

async function retitle(keys: string): Promise<void> {
  await userEvent.clear(screen.getByTestId("title-input"));
  await userEvent.keyboard(keys);
}

describe("the list", () => {
  it("says where conversations will be while there are none", async () => {
    await openSidebar(server);
    expect(screen.getByTestId("empty-list").textContent).toContain("No conversations yet");
  });

  it("marks the one that is shown, and shows another at a click", async () => {
    history.replaceState(null, "", "/?c=2");
    server.add({ id: 1 }, { id: 2 });
    await openSidebar(server);
    expect(screen.getByRole("link", { current: "page" }).textContent).toBe("Title 2");
    await userEvent.click(screen.getByRole("link", { name: "Title 1" }));
    expect(location.search).toBe("?c=1");
    expect(screen.getByRole("link", { current: "page" }).textContent).toBe("Title 1");
  });

  it("grows at the button, and offers another try where that failed", async () => {
    for (let id = 1; id <= 40; id += 1) server.add({ id });
    let isDown = true;
    server.intercept = ({ call }) =>
      isDown && call.includes("cursor") ? json(503, { code: "unavailable", detail: "" }) : undefined;
    await openSidebar(server);
    expect(titles()).toHaveLength(30);
    await userEvent.click(screen.getByTestId("load-more"));
    const failure = await screen.findByTestId("list-failure");
    expect(titles()).toHaveLength(30);
    isDown = false;
    await userEvent.click(within(failure).getByRole("button", { name: "Try again" }));
    await waitFor(() => expect(titles()).toHaveLength(40));
    expect(screen.queryByTestId("load-more")).toBeNull();
  });

  it("offers another try when nothing could be read at all", async () => {
    let isDown = true;
    server.intercept = () => (isDown ? json(503, { code: "unavailable", detail: "" }) : undefined);
    server.add({ id: 1 });
    await openSidebar(server);
    isDown = false;
    await userEvent.click(await screen.findByRole("button", { name: "Try again" }));
    await waitFor(() => expect(titles()).toEqual(["Title 1"]));
  });
});

describe("changes", () => {
  it("pins at once, under a heading of its own, and unpins", async () => {
    server.add({ id: 1 }, { id: 2 });
    await openSidebar(server);
    await chooseFromMenu("Title 2", "pin");
    expect(headings()).toEqual(["Pinned", "Today"]);
    await waitFor(() => expect(server.rows[1]?.pinned).toBe(true));
    await chooseFromMenu("Title 2", "pin");
    expect(headings()).toEqual(["Today"]);
    await waitFor(() =>
      expect(document.activeElement).toBe(screen.getByRole("button", { name: "Options for Title 2" })),
    );
  });

  it("takes a refused change back and says why", async () => {
    server.add({ id: 1, title: "Dogs" });
    server.intercept = ({ call }) =>
      call.startsWith("PATCH") ? json(503, { code: "unavailable", detail: "" }) : undefined;
    await openSidebar(server);
    await chooseFromMenu("Dogs", "rename");
    await retitle("Cats{Enter}");
    await waitFor(() => expect(shownToasts.get()[0]?.text).toMatch(/^Not changed\. /));
    expect(titles()).toEqual(["Dogs"]);
  });

  it("renames in place; Escape leaves the title as it was", async () => {
    server.add({ id: 1, title: "Dogs" });
    await openSidebar(server);
    await chooseFromMenu("Dogs", "rename");
    await retitle("Wolves{Enter}");
    expect(titles()).toEqual(["Wolves"]);
    expect(document.activeElement).toBe(screen.getByRole("link", { name: "Wolves" }));
    await waitFor(() => expect(server.rows[0]?.title).toBe("Wolves"));
    await chooseFromMenu("Wolves", "rename");
    await retitle("Foxes{Escape}");
    expect(titles()).toEqual(["Wolves"]);
    expect(document.activeElement).toBe(screen.getByRole("link", { name: "Wolves" }));
  });

  it("archives with an Undo, and lists what is archived", async () => {
    server.add({ id: 1, title: "Dogs" }, { id: 2, title: "Cats" });
    await openSidebar(server);
    await chooseFromMenu("Cats", "archive");
    expect(titles()).toEqual(["Dogs"]);
    await waitFor(() => expect(server.rows[1]?.archived).toBe(true));
    await chooseFromListMenu("show-archive");
    await waitFor(() => expect(titles()).toEqual(["Cats"]));
    await userEvent.click(screen.getByTestId("archive-back"));
    await userEvent.click(await screen.findByTestId("toast-action"));
    await waitFor(() => expect(titles()).toEqual(["Dogs", "Cats"]));
    await waitFor(() => expect(server.rows[1]?.archived).toBe(false));
  });
});

describe("files", () => {
  const DOCUMENT = { format: "eugpt.conversation", conversation: { title: "From a file" } };

  function file(text: string, name = "chat.json"): File {
    return new File([text], name, { type: "application/json" });
  }

  async function importFiles(...files: readonly File[]): Promise<void> {
    await userEvent.upload(screen.getByTestId("import-files"), [...files]);
  }

  it("are imported one after another; what is not ours is told and keeps nobody back", async () => {
    await openSidebar(server);
    await importFiles(
      file("not json", "notes.json"),
      file(JSON.stringify({ some: "thing" }), "other.json"),
      file("", "empty.json"),
      file(JSON.stringify(DOCUMENT)),
    );
    await waitFor(() => expect(titles()).toEqual(["From a file"]));
    const problems = screen.getByTestId("import-problems").textContent ?? "";
    expect(problems).toContain("notes.json: This is not a JSON file.");
    expect(problems).toContain("other.json: This file was not exported from EuGPT.");
    expect(problems).toContain("empty.json: The file is empty.");
    expect(server.writes).toEqual(["POST /api/conversations/import"]);
    await userEvent.click(screen.getByRole("button", { name: "Dismiss" }));
    expect(screen.queryByTestId("import-problems")).toBeNull();
  });

  it("with several conversations, one a line, bring all of them", async () => {
    await openSidebar(server);
    const line = (title: string) => JSON.stringify({ ...DOCUMENT, conversation: { title } });
    await importFiles(file(`${line("One")}\n${line("Two")}\n`, "all.jsonl"));
    await waitFor(() => expect(server.writes).toHaveLength(2));
    await waitFor(() => expect(shownToasts.get()[0]?.text).toBe("2 conversations imported."));
  });

  it("are not imported for whoever signs in next", async () => {
    let answer: (response: Response) => void = () => undefined;
    const held = new Promise<Response>((resolve) => (answer = resolve));
    server.intercept = ({ call }) => (call.includes("import") ? held : undefined);
    const app = await openSidebar(server);
    const line = (title: string) => JSON.stringify({ ...DOCUMENT, conversation: { title } });
    await importFiles(file(`${line("One")}\n${line("Two")}\n`, "a.jsonl"), file(line("Three")));
    await waitFor(() => expect(server.writes).toHaveLength(1));
    const session = app.session.state.get();
    act(() => app.session.lose(null));
    act(() => app.session.state.set(session));
    const at = "2026-01-01T00:00:00Z";
    answer(json(201, { id: 1, title: "One", created_at: at, updated_at: at }));
    await act(() => new Promise((resolve) => setTimeout(resolve, 200)));
    expect(server.writes).toHaveLength(1);
    expect(shownToasts.get()).toEqual([]);
    expect(screen.queryByTestId("import-problems")).toBeNull();
  });

  it("that are too large are not sent", async () => {
    await openSidebar(server);
    const large = file(JSON.stringify({ ...DOCUMENT, filling: "x".repeat(8 * 1024 * 1024) }));
    await importFiles(large);
    const problems = await screen.findByTestId("import-problems");
    expect(problems.textContent).toContain("The file is larger than 8 MB.");
    expect(server.writes).toEqual([]);
  });

  it("stop where the server wants a pause, and say how long", async () => {
    server.intercept = ({ call }) =>
      call.includes("import")
        ? json(429, { code: "rate_limited", detail: "", retry_after: 100 })
        : undefined;
    await openSidebar(server);
    await importFiles(file(JSON.stringify(DOCUMENT)), file(JSON.stringify(DOCUMENT), "b.json"));
    const problems = await screen.findByTestId("import-problems");
    expect(problems.textContent).toContain("Go on in 2 minutes.");
    expect(server.writes).toHaveLength(1);
  });

  it("of several conversations are one, which can be imported again", async () => {
    server.add({ id: 1 }, { id: 2 });
    const made: Blob[] = [];
    vi.spyOn(URL, "createObjectURL").mockImplementation((blob) => `blob:${made.push(blob as Blob)}`);
    // happy-dom would leave the page for the file.
    vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(() => undefined);
    await openSidebar(server);
    await chooseFromListMenu("select-several");
    await userEvent.click(screen.getByTestId("select-all"));
    await userEvent.click(screen.getByTestId("bulk-export"));
    await userEvent.click(await screen.findByTestId("export-json"));
    await waitFor(() => expect(made).toHaveLength(1));
    const lines = (await act(async () => made[0]?.text()))?.trim().split("\n") ?? [];
    expect(lines.map((line) => (JSON.parse(line) as { id: number }).id)).toEqual([1, 2]);
  });
});

describe("a long list", () => {
  it("has only the entries near the eye in the document, and says how many there are", async () => {
    server.pageSize = 400;
    for (let id = 1; id <= 400; id += 1) {
      server.add({ id, updated_at: new Date(Date.now() + 60_000 - id).toISOString() });
    }
    await openSidebar(server);
    const items = screen.getAllByTestId("conversation-item");
    expect(items.length).toBeLessThan(100);
    expect(items[0]?.getAttribute("aria-posinset")).toBe("1");
    const list = items[0]?.parentElement;
    const missing = parseFloat(list?.style.paddingBottom ?? "") / 36;
    expect(Number(items[0]?.getAttribute("aria-setsize"))).toBe(items.length + missing);
  });
});
