export function MessagesSkeleton() {
  return (
    <div aria-hidden="true" className="space-y-6 pt-4 motion-safe:animate-pulse">
      <div className="ml-auto h-11 w-2/5 rounded-3xl rounded-br-lg bg-bubble" />
      <div className="space-y-3 sm:pl-10">
        <div className="h-3.5 w-11/12 rounded-full bg-hover" />
        <div className="h-3.5 w-4/5 rounded-full bg-hover" />
        <div className="h-3.5 w-1/2 rounded-full bg-hover" />
      </div>
    </div>
  );
}
