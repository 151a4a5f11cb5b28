import Link from "next/link";
import type { ReactNode } from "react";
import { Brand } from "@/components/brand";
import { ThemeButton } from "@/components/theme-button";

interface AuthFrameProps {
  readonly title: string;
  readonly lead?: ReactNode;
  readonly children?: ReactNode;
}

/** A page that asks for one thing, in the middle. */
export function AuthFrame({ title, lead, children }: AuthFrameProps) {
  return (
    <div className="flex min-h-dvh flex-col">
      <header className="flex h-16 shrink-0 items-center justify-between px-4 sm:px-6">
        <Link href="/" className="rounded-lg py-2" aria-label="EuGPT, back to the chat">
          <Brand />
        </Link>
        <ThemeButton />
      </header>
      <main className="mx-auto flex w-full max-w-[27rem] flex-1 flex-col justify-center px-5 pt-6 pb-24">
        <h1 className="font-display text-3xl font-bold tracking-tight text-balance">{title}</h1>
        {lead && <p className="mt-2 text-ink-soft text-pretty">{lead}</p>}
        {children}
      </main>
    </div>
  );
}
