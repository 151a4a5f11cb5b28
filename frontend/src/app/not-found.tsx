import type { Metadata } from "next";
import Link from "next/link";
import { Twig } from "@/components/brand";
import { Button } from "@/components/ui/button";

export const metadata: Metadata = { title: "Not found" };

export default function NotFound() {
  return (
    <main className="flex min-h-dvh flex-col items-center justify-center px-6 pb-16 text-center">
      <Twig className="size-12 text-leaf" />
      <h1 className="mt-6 font-display text-3xl font-bold tracking-tight">Nothing grows here</h1>
      <p className="mt-3 max-w-sm text-ink-soft">
        There is no page at this address. It may have been removed, or the link has a typo.
      </p>
      <Button asChild className="mt-8">
        <Link href="/">Go to the chat</Link>
      </Button>
    </main>
  );
}
