import type { ContextUsage } from "@/lib/api/context";

export interface WindowPart {
  readonly name: "messages" | "draft" | "reserved";
  readonly label: string;
  readonly tokens: number;
  /** Its colour, in the bar and beside its name. */
  readonly className: string;
}

/** What fills the window. The marks around an empty draft count with the messages. */
export function partsOf(usage: ContextUsage, hasDraft: boolean): readonly WindowPart[] {
  const { total, reserved, draft } = usage;
  const draftTokens = hasDraft ? draft.tokens : 0;
  return [
    {
      name: "messages",
      label: "Messages",
      tokens: total - draftTokens,
      className: "bg-leaf",
    },
    {
      name: "draft",
      label: "Your draft",
      tokens: draftTokens,
      className: draft.fits ? "bg-leaf/55" : "bg-bark",
    },
    {
      name: "reserved",
      label: "Room for the answer",
      tokens: reserved,
      className: "bg-line-strong",
    },
  ];
}
