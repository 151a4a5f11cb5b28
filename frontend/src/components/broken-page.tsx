import { Twig } from "./brand";
import { Button } from "./ui/button";

/** What is left when a page's own code failed. It promises only what the server and storage keep. */
export function BrokenPage() {
  return (
    <main
      role="alert"
      className="flex min-h-dvh flex-col items-center justify-center px-6 pb-16 text-center"
    >
      <Twig className="size-12 text-bark" />
      <h1 className="mt-6 font-display text-3xl font-bold tracking-tight">Something broke</h1>
      <p className="mt-3 max-w-sm text-ink-soft">
        This page stumbled over an error of its own. What was sent is safe, and an answer that is
        being written goes on.
      </p>
      <Button className="mt-8" onClick={() => location.reload()} data-testid="reload">
        Reload the page
      </Button>
    </main>
  );
}
