"use client";

import Link from "next/link";
import { useRouter } from "next/navigation";
import { useEffect } from "react";
import { AuthForm, type AuthMode } from "./auth-form";
import { Brand } from "@/components/brand";
import { ThemeButton } from "@/components/theme-button";
import { useChat, useSession } from "@/hooks/use-app";
import { conversationHref, useShownConversation } from "@/hooks/use-shown-conversation";
import { transcriptOf } from "@/lib/chat/selectors";

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
  const { status } = useSession();
  const router = useRouter();
  const conversation = useShownConversation();
  const hasGuestChat = useChat((state) => transcriptOf(state, state.draft).messages.length > 0);
  const search = conversation === null ? "" : `?c=${conversation}`;

  useEffect(() => {
    if (status === "member") router.replace(conversationHref(conversation));
  }, [status, router, conversation]);

  return (
    <div className="flex min-h-dvh flex-col">
      <header className="flex h-16 items-center justify-between px-4 sm:px-6">
        <Link href="/" className="rounded-lg" aria-label="EuGPT, back to the chat">
          <Brand />
        </Link>
        <ThemeButton />
      </header>
      <main className="mx-auto flex w-full max-w-md flex-1 flex-col justify-center px-5 pb-24">
        <h1 className="font-display text-3xl font-bold tracking-tight text-balance">
          {words.title}
        </h1>
        <p className="mt-2 text-ink-soft text-pretty">{words.lead}</p>
        <AuthForm mode={mode} />
        {hasGuestChat && status === "guest" && (
          <p className="mt-4 text-sm text-ink-soft">
            The chat you began as a guest stays on this page only and is not moved to the account.
          </p>
        )}
        <p className="mt-6 text-sm text-ink-soft">
          {words.question}{" "}
          <Link
            href={words.otherPath + search}
            replace
            className="rounded font-medium text-leaf underline underline-offset-4"
          >
            {words.other}
          </Link>
        </p>
      </main>
    </div>
  );
}
