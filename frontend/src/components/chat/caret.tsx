/** Marks where an answer grows. Takes no room, so no line breaks when it goes. */
export function Caret() {
  return (
    <span aria-hidden="true" className="relative" data-testid="caret">
      <span className="absolute bottom-[0.3em] left-1 size-2 rounded-full bg-leaf motion-safe:animate-breathe" />
    </span>
  );
}
