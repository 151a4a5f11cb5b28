"use client";

import Link from "next/link";
import { useRouter } from "next/navigation";
import { type ReactNode, useEffect, useRef } from "react";
import { AuthForm, type AuthMode } from "./auth-form";
import { ProblemNote } from "./problem-note";
import { Brand } from "@/components/brand";
import { ThemeButton } from "@/components/theme-button";
import { useChat, useSession } from "@/hooks/use-app";
import { useSearch } from "@/hooks/use-search-params";
import { conversationHref, useShownConversation } from "@/hooks/use-shown-conversation";
import { transcriptOf } from "@/lib/chat/selectors";
import { nextPath } from "@/lib/next-path";

const WORDS = {
  login: {
    title: "Welcome back",
    lead: "Sign in to find your conversations where you left them.",
    question: "New here?",
    other: "Create an account",
    otherPath: "/register/",
  },
  register: {
    title: "Create an account",
    lead: "A name and a password are enough. Your conversations are kept until you delete them.",
    question: "Already have an account?",
    other: "Sign in",
    otherPath: "/login/",
  },
} as const;

export function AuthPage({ mode }: { mode: AuthMode }) {
  const words = WORDS[mode];
  const { status, ended, kept } = useSession();
  const router = useRouter();
  const search = useSearch() ?? "";
  const conversation = useShownConversation();
  const hasChat = useChat((state) => transcriptOf(state, state.draft).messages.length > 0);
  // A chat that has come along is where the person was.
  const target =
    kept === null ? (nextPath(search) ?? conversationHref(conversation)) : conversationHref(kept);
  const hasLeft = useRef(false);

  useEffect(() => {
    // Once: the address changes before this page is gone, and names no target any more.
    if (status !== "member" || hasLeft.current) return;
    hasLeft.current = true;
    router.replace(target);
  }, [status, router, target]);

  return (
    <AuthFrame>
      <h1 className="font-display text-3xl font-bold tracking-tight text-balance">{words.title}</h1>
      <p className="mt-2 text-ink-soft text-pretty">{words.lead}</p>
      {ended && (
        <div className="mt-6">
          <ProblemNote failure={ended} />
        </div>
      )}
      <AuthForm mode={mode} hasChat={hasChat && status === "guest"} />
      <p className="mt-6 text-center text-sm text-ink-soft">
        {words.question}{" "}
        <Link
          href={words.otherPath + search}
          replace
          className="rounded font-medium text-leaf underline underline-offset-4"
        >
          {words.other}
        </Link>
      </p>
    </AuthFrame>
  );
}

function AuthFrame({ children }: { children: ReactNode }) {
  return (
    <div className="flex min-h-dvh flex-col">
      <header className="flex h-16 shrink-0 items-center justify-between px-4 sm:px-6">
        <Link href="/" className="rounded-lg py-2" aria-label="EuGPT, back to the chat">
          <Brand />
        </Link>
        <ThemeButton />
      </header>
      <main className="mx-auto flex w-full max-w-[27rem] flex-1 flex-col justify-center px-5 pt-6 pb-24">
        {children}
      </main>
    </div>
  );
}
