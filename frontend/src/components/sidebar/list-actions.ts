import type { ConversationChanges } from "@/lib/api/bulk";
import type { ConversationSummary } from "@/lib/api/conversations";

/** What can be done to an entry of the list. One object for the life of the list. */
export interface ListActions {
  readonly pick: (conversation: number) => void;
  readonly toggle: (conversation: number) => void;
  readonly change: (item: ConversationSummary, changes: ConversationChanges) => void;
  readonly archive: (item: ConversationSummary) => void;
  readonly remove: (item: ConversationSummary) => void;
  readonly share: (item: ConversationSummary) => void;
  readonly exportItem: (item: ConversationSummary) => void;
}
