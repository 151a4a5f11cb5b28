import { expect, it, vi } from "vitest";
import { parseUser } from "@/lib/api/auth";
import { clearDrafts, clearDraftsOnSignOut, readDraft, writeDraft } from "@/lib/drafts";
import { writeFlag } from "@/lib/flags";
import { MEMBER_FLAG, type Session } from "@/lib/session";
import { Store } from "@/lib/store";

it("keeps one draft per conversation, and one for all new chats", () => {
  writeDraft("c:12", "about dogs");
  writeDraft("draft:0", "hello");
  expect(readDraft("c:12")).toBe("about dogs");
  expect(readDraft("draft:7")).toBe("hello");
  expect(readDraft("c:13")).toBe("");
});

it("forgets an emptied draft, and all of them when told to", () => {
  localStorage.setItem("eugpt.theme", "dark");
  writeDraft("c:1", "a");
  writeDraft("c:1", "  ");
  expect(readDraft("c:1")).toBe("");
  writeDraft("c:1", "a");
  clearDrafts();
  expect(Object.keys(localStorage)).toEqual(["eugpt.theme"]);
});

it("keeps the 50 newest, and 4,000 characters of each", () => {
  const now = vi.spyOn(Date, "now");
  for (let id = 1; id <= 60; id += 1) {
    now.mockReturnValue(id);
    writeDraft(`c:${id}`, "x".repeat(5_000));
  }
  expect(Object.keys(localStorage)).toHaveLength(50);
  expect(readDraft("c:10")).toBe("");
  expect(readDraft("c:11")).toHaveLength(4_000);
});

it("reads what somebody else wrote there as no draft", () => {
  localStorage.setItem("eugpt.draft:1", "{");
  localStorage.setItem("eugpt.draft:2", '{"at":1,"text":5}');
  expect(readDraft("c:1") + readDraft("c:2")).toBe("");
});

const GUEST: Session = { status: "guest", user: null, ended: null, kept: null };
const ANA = parseUser({ id: 1, username: "ana" });

it("forgets them when somebody signs out, or had been signed in and is no longer", () => {
  const session = new Store<Session>({ ...GUEST, status: "restoring" });
  writeFlag(MEMBER_FLAG, "1");
  const stop = clearDraftsOnSignOut(session);
  writeDraft("c:1", "of Ana");
  session.set(GUEST);
  expect(readDraft("c:1")).toBe("");
  session.set({ ...GUEST, status: "member", user: ANA });
  writeDraft("c:1", "of Ana again");
  session.set(GUEST);
  expect(readDraft("c:1")).toBe("");
  stop();
});

it("keeps what a guest has typed", () => {
  const session = new Store<Session>({ ...GUEST, status: "restoring" });
  const stop = clearDraftsOnSignOut(session);
  writeDraft("draft:0", "of a guest");
  session.set(GUEST);
  session.set({ ...GUEST, status: "member", user: ANA });
  expect(readDraft("draft:0")).toBe("of a guest");
  stop();
});
