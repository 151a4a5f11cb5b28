/** Keeps the sidebar's place until it is there; as a rail where the boot script says so. */
export function SidebarPlaceholder() {
  return <div className="w-72 shrink-0 border-r bg-sunken in-data-[sidebar=rail]:w-14 max-lg:hidden" />;
}
