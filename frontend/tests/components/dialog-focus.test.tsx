import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { describe, expect, it } from "vitest";
import { ConfirmDialog } from "@/components/ui/confirm-dialog";
import { Dialog } from "@/components/ui/dialog";
import { Drawer } from "@/components/ui/drawer";
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuTrigger,
} from "@/components/ui/dropdown-menu";

interface Opened {
  readonly isOpen: boolean;
  readonly onOpenChange: (isOpen: boolean) => void;
}

function Plain(props: Opened) {
  return (
    <Dialog {...props} title="Plain">
      <input aria-label="Name" autoFocus />
    </Dialog>
  );
}

/** As dialogs whose code is loaded on demand: there is none while it is closed. */
function Unmounting(props: Opened) {
  return props.isOpen && <Plain {...props} />;
}

function Question(props: Opened) {
  return <ConfirmDialog {...props} title="Sure?" text="Gone" action="Go" onConfirm={() => undefined} />;
}

function Side(props: Opened) {
  return (
    <Drawer {...props} title="Side">
      <button>inside</button>
    </Drawer>
  );
}

function Page({ kind: Kind }: { readonly kind: (props: Opened) => React.ReactNode }) {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <>
      <button onClick={() => setIsOpen(true)}>opener</button>
      <DropdownMenu>
        <DropdownMenuTrigger>menu</DropdownMenuTrigger>
        <DropdownMenuContent>
          <DropdownMenuItem onSelect={() => setIsOpen(true)}>entry</DropdownMenuItem>
        </DropdownMenuContent>
      </DropdownMenu>
      <Kind isOpen={isOpen} onOpenChange={setIsOpen} />
    </>
  );
}

const KINDS = { dialog: Plain, "dialog loaded on demand": Unmounting, question: Question, drawer: Side };

describe.each(Object.entries(KINDS))("a %s that is closed", (_, Kind) => {
  it("gives the focus back to the button that opened it", async () => {
    render(<Page kind={Kind} />);
    const person = userEvent.setup();
    await person.click(screen.getByText("opener"));
    await waitFor(() => expect(document.querySelector("[role$=dialog]")).not.toBeNull());
    await person.keyboard("{Escape}");
    await waitFor(() => expect(document.activeElement).toBe(screen.getByText("opener")));
  });

  it("gives the focus back to the menu whose entry opened it", async () => {
    render(<Page kind={Kind} />);
    const person = userEvent.setup();
    await person.click(screen.getByText("menu"));
    await person.click(await screen.findByText("entry"));
    await waitFor(() => expect(document.querySelector("[role$=dialog]")).not.toBeNull());
    await person.keyboard("{Escape}");
    await waitFor(() => expect(document.activeElement).toBe(screen.getByText("menu")));
  });
});

describe("a dialog that opens", () => {
  async function focusIn(children: React.ReactNode): Promise<Element | null> {
    render(
      <Dialog isOpen onOpenChange={() => undefined} title="Window">
        {children}
      </Dialog>,
    );
    const dialog = await screen.findByRole("dialog");
    await waitFor(() => expect(dialog.contains(document.activeElement)).toBe(true));
    return document.activeElement;
  }

  it("begins at its first control, not at the button that closes it", async () => {
    const focused = await focusIn(<input aria-label="Name" />);
    expect(focused).toBe(screen.getByLabelText("Name"));
  });

  it("begins at the radio button that is chosen, as Tab would", async () => {
    const focused = await focusIn(
      <fieldset>
        <input type="radio" name="days" aria-label="1 day" />
        <input type="radio" name="days" aria-label="7 days" defaultChecked />
      </fieldset>,
    );
    expect(focused).toBe(screen.getByLabelText("7 days"));
  });

  it("is itself the beginning where there is only text", async () => {
    expect(await focusIn(<p>Text</p>)).toBe(screen.getByRole("dialog"));
  });
});
