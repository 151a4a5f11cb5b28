import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { FakeApi } from "../fakes/fake-api";
import { renderInApp, testApp } from "../fakes/test-app";
import { TranscriptView } from "@/components/chat/transcript-view";

it("a conversation that is gone leaves a way to go", async () => {
  history.replaceState(null, "", "/?c=7");
  const app = testApp(new FakeApi());
  await app.chat.open(7);
  renderInApp(
    app,
    <TranscriptView
      transcriptKey="c:7"
      outside={new Set()}
      firstInside={null}
      onEdit={() => undefined}
      welcome={null}
    />,
  );
  expect((await screen.findByRole("alert")).textContent).toContain("has been deleted");
  await userEvent.click(screen.getByRole("button", { name: "Go to a new chat" }));
  expect(location.search).toBe("");
});
