import { render, screen } from "@testing-library/react";
import { expect, it } from "vitest";
import { NoticeCard } from "@/components/chat/notice-card";

it("makes links of addresses and of nothing else", () => {
  const text = "See https://findahelpline.com. Or javascript:alert(1), <b>call</b> 112.";
  render(<NoticeCard notice={{ category: "crisis", text }} about="answer" />);
  const links = screen.getAllByRole("link");
  expect(links.map((link) => link.getAttribute("href"))).toEqual(["https://findahelpline.com"]);
  expect(screen.getByTestId("notice").textContent).toContain("<b>call</b> 112.");
  expect(screen.queryByRole("button")).toBeNull();
});
