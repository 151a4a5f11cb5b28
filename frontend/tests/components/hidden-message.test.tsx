import { screen, within } from "@testing-library/react";
import { expect, it } from "vitest";
import { exchange } from "../fakes/test-app";
import { generation, reduce, stored, token } from "../fakes/builders";
import { openTranscript } from "./open-transcript";

it("a hidden message says so, and nothing can be done with it", async () => {
  const [question, answer, ...more] = [
    ...exchange("one?", "First.", 1),
    ...exchange("two?", "Second.", 3),
  ];
  if (!question || !answer) throw new Error("no exchange");
  const hidden = { isHidden: true, text: "" };
  await openTranscript([{ ...question, ...hidden }, { ...answer, ...hidden }, ...more]);
  for (const role of ["user", "assistant"]) {
    const [first, second] = screen.getAllByTestId(`message-${role}`);
    if (!first || !second) throw new Error("not two messages");
    within(first).getByText("Hidden by a moderator");
    expect(within(first).queryAllByRole("button")).toEqual([]);
    expect(within(second).queryByText("Hidden by a moderator")).toBeNull();
    expect(within(second).queryAllByRole("button")).not.toEqual([]);
  }
});

it("what the stream has told of a message is forgotten when it is hidden", () => {
  const run = generation({ status: "running", finishReason: null });
  const question = stored({ id: 40, content: "hi" });
  const answer = stored({ id: 41, role: "assistant", parent: 40, generation: run });
  const load = (isHidden: boolean) =>
    ({
      type: "load_finished",
      conversation: 12,
      page: { messages: [question, { ...answer, isHidden }], hasOlder: false },
    }) as const;
  const before = reduce([load(false), token(0, "Bad words")]);
  expect(before.replies["m:41"]?.text).toBe("Bad words");
  const after = reduce([load(true), token(1, " again")], before);
  expect(after.replies).toEqual({});
  expect(after.transcripts["c:12"]?.messages.at(-1)).toMatchObject({ text: "", isHidden: true });
});
