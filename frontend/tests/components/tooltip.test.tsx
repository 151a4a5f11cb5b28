import { act, fireEvent, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { Tooltip } from "@/components/ui/tooltip";

it("shows after a rest of the pointer, describes its control, and Escape puts it away", async () => {
  const onClick = vi.fn();
  render(
    <Tooltip text="Copy the answer">
      <button onClick={onClick}>Copy</button>
    </Tooltip>,
  );
  const button = screen.getByRole("button", { name: "Copy" });
  expect(screen.queryByRole("tooltip")).toBeNull();
  fireEvent.pointerEnter(button, { pointerType: "touch" });
  fireEvent.pointerEnter(button, { pointerType: "mouse" });
  const tooltip = await screen.findByRole("tooltip", {}, { timeout: 5_000 });
  expect(tooltip.textContent).toContain("Copy the answer");
  expect(button.getAttribute("aria-describedby")).toBe(tooltip.id);
  expect(document.activeElement).not.toBe(tooltip);
  fireEvent.keyDown(button, { key: "Escape" });
  await waitFor(() => expect(screen.queryByRole("tooltip")).toBeNull());
  expect(button.hasAttribute("aria-describedby")).toBe(false);
  fireEvent.click(button);
  expect(onClick).toHaveBeenCalledOnce();
});

it("a touch shows nothing", async () => {
  vi.useFakeTimers();
  render(
    <Tooltip text="Copy the answer">
      <button>Copy</button>
    </Tooltip>,
  );
  fireEvent.pointerEnter(screen.getByRole("button"), { pointerType: "touch" });
  await vi.advanceTimersByTimeAsync(2_000);
  expect(screen.queryByRole("tooltip")).toBeNull();
  vi.useRealTimers();
});

it("shows where the person has moved by key, not where a window has placed the focus", async () => {
  render(
    <Tooltip text="Copy the answer">
      <button>Copy</button>
    </Tooltip>,
  );
  const button = screen.getByRole("button");
  act(() => button.focus());
  // Its code is loaded on demand; the mark on the control is not.
  expect(button.hasAttribute("aria-describedby")).toBe(false);
  act(() => button.blur());
  await userEvent.tab();
  expect(document.activeElement).toBe(button);
  expect(button.hasAttribute("aria-describedby")).toBe(true);
});
