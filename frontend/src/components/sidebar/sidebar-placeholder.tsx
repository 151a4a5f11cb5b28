/** Keeps the sidebar's place until it is there. */
export function SidebarPlaceholder() {
  return <div className="w-72 shrink-0 border-r bg-sunken max-lg:hidden" />;
}
