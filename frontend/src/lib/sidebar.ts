/** Whether the sidebar is a narrow rail, on screens wide enough for it beside the chat. */
import { readFlag, writeFlag } from "./flags";
import { Store } from "./store";

/** Read by the boot script too (`lib/boot.ts`), which lays out the placeholder. */
export const SIDEBAR_FLAG = "eugpt.sidebar";
export const RAIL = "rail";

export const isSidebarRail = new Store(readFlag(SIDEBAR_FLAG) === RAIL);

export function setSidebarRail(isRail: boolean): void {
  writeFlag(SIDEBAR_FLAG, isRail ? RAIL : null);
  if (isRail) document.documentElement.dataset.sidebar = RAIL;
  else delete document.documentElement.dataset.sidebar;
  isSidebarRail.set(isRail);
}
