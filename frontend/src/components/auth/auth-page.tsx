"use client";

import dynamic from "next/dynamic";
import Link from "next/link";
import { useRouter } from "next/navigation";
import { useEffect, useRef } from "react";
import { AuthForm, type AuthMode } from "./auth-form";
import { AuthFrame } from "./auth-frame";
import { ProblemNote } from "./problem-note";
import { Button } from "@/components/ui/button";
import { useChat, useSession } from "@/hooks/use-app";
import { useAuthOptions } from "@/hooks/use-auth-options";
import { showSearch, useSearch } from "@/hooks/use-search-params";
import { conversationHref, useShownConversation } from "@/hooks/use-shown-conversation";
import { transcriptOf } from "@/lib/chat/selectors";
import { nextPath } from "@/lib/next-path";
import { patiently } from "@/lib/patiently";

/** Few forget. */
const ForgotForm = dynamic(
  () => patiently(async () => (await import("./forgot-form")).ForgotForm),
  { ssr: false },
);

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

/** `/login/?forgot=1` */
const FORGOT = "forgot";

export function AuthPage({ mode }: { mode: AuthMode }) {
  const words = WORDS[mode];
  const { status, ended, kept } = useSession();
  const options = useAuthOptions();
  const router = useRouter();
  const search = useSearch() ?? "";
  const conversation = useShownConversation();
  const hasChat = useChat((state) => transcriptOf(state, state.draft).messages.length > 0);
  // A chat that has come along is where the person was.
  const target =
    kept === null ? (nextPath(search) ?? conversationHref(conversation)) : conversationHref(kept);
  const hasLeft = useRef(false);
  const isForgot = mode === "login" && new URLSearchParams(search).has(FORGOT);

  useEffect(() => {
    // Once: the address changes before this page is gone, and names no target any more.
    if (status !== "member" || isForgot || hasLeft.current) return;
    hasLeft.current = true;
    router.replace(target);
  }, [status, isForgot, router, target]);

  if (isForgot) return <ForgotPage hasEmail={options?.hasEmail ?? true} search={search} />;
  const isClosed = options?.hasRegistration === false;
  if (mode === "register" && isClosed) return <ClosedPage search={search} />;
  return (
    <AuthFrame title={words.title} lead={words.lead}>
      {ended && (
        <div className="mt-6">
          <ProblemNote failure={ended} />
        </div>
      )}
      <AuthForm mode={mode} hasChat={hasChat && status === "guest"} />
      {mode === "login" && options?.hasEmail && (
        <Button
          variant="ghost-leaf"
          size="small"
          className="mt-3 self-center pointer-coarse:h-11"
          onClick={() => showSearch(withForgot(search, true))}
          data-testid="forgot"
        >
          Forgot your password?
        </Button>
      )}
      {!(mode === "login" && isClosed) && (
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
      )}
    </AuthFrame>
  );
}

function ClosedPage({ search }: { search: string }) {
  return (
    <AuthFrame
      title="Sign-up is closed"
      lead="This site takes no new accounts at the moment. You can chat as a guest; whoever has an account signs in as ever."
    >
      <div className="mt-8 flex flex-wrap gap-2" data-testid="registration-closed">
        <Button asChild>
          <Link href="/">Chat as a guest</Link>
        </Button>
        <Button asChild variant="outline">
          <Link href={`/login/${search}`}>Sign in</Link>
        </Button>
      </div>
    </AuthFrame>
  );
}

function ForgotPage({ hasEmail, search }: { hasEmail: boolean; search: string }) {
  return (
    <AuthFrame
      title="Forgot your password?"
      lead={
        hasEmail
          ? "Tell us the e-mail address of your account, and we send a link to choose a new one."
          : "This site sends no mail, so there is no way to choose a new one here. The people who run it may help."
      }
    >
      {hasEmail && <ForgotForm />}
      <Button
        variant="ghost-leaf"
        size="small"
        className="mt-4 self-center pointer-coarse:h-11"
        onClick={() => showSearch(withForgot(search, false))}
        data-testid="forgot-back"
      >
        Back to the sign-in
      </Button>
    </AuthFrame>
  );
}

function withForgot(search: string, isForgot: boolean): string {
  const params = new URLSearchParams(search);
  if (isForgot) params.set(FORGOT, "1");
  else params.delete(FORGOT);
  return params.size > 0 ? `?${params}` : "";
}
