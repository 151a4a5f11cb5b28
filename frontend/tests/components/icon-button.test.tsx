import { render, screen } from "@testing-library/react";
import { expect, it } from "vitest";
import { Button } from "@/components/ui/button";
import { IconButton } from "@/components/ui/icon-button";

/** Two sizes on one element: which of them holds is up to the order of the style sheet. */
it.each([
  [false, "size-10"],
  [true, "size-8"],
])("has one size and one shape (small: %s)", (isSmall, size) => {
  render(<IconButton label="Copy" isSmall={isSmall} />);
  const classes = [...screen.getByRole("button", { name: "Copy" }).classList];
  expect(classes.filter((name) => name.startsWith("size-"))).toEqual([size]);
  expect(classes.filter((name) => name.startsWith("rounded-"))).toHaveLength(1);
});

it.each(["ghost-leaf", "ghost-danger", "outline-danger"] as const)("%s is one colour", (variant) => {
  render(
    <Button variant={variant} size="medium-icon">
      Go
    </Button>,
  );
  const classes = [...screen.getByRole("button", { name: "Go" }).classList];
  expect(classes.filter((name) => /^text-(ink|leaf|bark)/.test(name))).toHaveLength(1);
  expect(classes.filter((name) => /^(size|h|w)-/.test(name))).toEqual(["size-9"]);
});
