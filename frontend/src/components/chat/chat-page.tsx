"use client";

import dynamic from "next/dynamic";
import { useEffect, useRef, useState } from "react";
import { Banners } from "./banners";
import { ChatHeader } from "./chat-header";
import { Composer } from "./composer";
import { LiveAnnouncer } from "./live-announcer";
import { MessagesSkeleton, TranscriptView } from "./transcript-view";
import { Welcome } from "./welcome";
import { SidebarPlaceholder } from "@/components/sidebar/sidebar-placeholder";
import { useApp, useChat, useConnection, useSession } from "@/hooks/use-app";
import { useChatShortcuts } from "@/hooks/use-chat-shortcuts";
import { useConversations } from "@/hooks/use-conversations";
import { useDraft } from "@/hooks/use-draft";
import { useOpenConversation } from "@/hooks/use-open-conversation";
import { showConversation, useShownConversation } from "@/hooks/use-shown-conversation";
import { liveReplyKey, shownKey, transcriptOf } from "@/lib/chat/selectors";

/** Guests have no use for it and need not wait for its code. */
const Sidebar = dynamic(
  async () => (await import("@/components/sidebar/sidebar")).Sidebar,
  { ssr: false, loading: SidebarPlaceholder },
);

export function ChatPage() {
  const { chat } = useApp();
  const { status } = useSession();
  const isMember = status === "member";
  const isRestoring = status === "restoring";
  const isConnected = useConnection() === "open";
  const address = useShownConversation();
  const conversation = isMember ? address : null;
  const key = useChat((state) => shownKey(state, conversation));
  const isEmpty = useChat((state) => transcriptOf(state, key).messages.length === 0);
  const liveKey = useChat((state) => liveReplyKey(state, key));
  const isTemporary = useChat((state) => transcriptOf(state, key).isTemporary);
  const title = useTitle(conversation);
  const [text, setText] = useDraft(key);
  const [isMenuOpen, setIsMenuOpen] = useState(false);
  const inputRef = useRef<HTMLTextAreaElement>(null);
  useOpenConversation(conversation);

  useEffect(() => focusOnDesktop(inputRef.current), []);
  useChatShortcuts({
    key,
    onNewChat: startNewChat,
    onFocusMessage: () => inputRef.current?.focus(),
    onStop: () => {
      stop();
      return liveKey !== null;
    },
  });

  function send(prompt: string): void {
    chat.send(key, prompt.trim());
    setText("");
  }

  function edit(prompt: string): void {
    setText(prompt);
    inputRef.current?.focus();
  }

  function stop(): void {
    if (liveKey === null) return;
    const isUnsent = chat.state.get().replies[liveKey]?.status === "sending";
    // Nobody has seen it yet, so there is nothing to stop: take it back.
    if (isUnsent && !isConnected) edit(chat.takeBack(liveKey));
    else chat.stop(liveKey);
  }

  function startNewChat(): void {
    chat.startDraft();
    showConversation(null);
    setIsMenuOpen(false);
    focusOnDesktop(inputRef.current);
  }

  function setTemporary(isOn: boolean): void {
    if (isOn) chat.startTemporary();
    else chat.startDraft();
  }

  return (
    <div className="flex h-dvh overflow-hidden">
      <a
        href="#composer"
        onClick={(event) => {
          event.preventDefault();
          inputRef.current?.focus();
        }}
        className="absolute top-2 left-2 z-50 -translate-y-20 rounded-lg bg-leaf px-4 py-2 text-on-leaf focus:translate-y-0"
      >
        Skip to the message field
      </a>
      {isMember && (
        <Sidebar
          conversation={conversation}
          isOpen={isMenuOpen}
          onOpenChange={setIsMenuOpen}
          onNewChat={startNewChat}
        />
      )}
      {isRestoring && (
        <div className="boot-member contents">
          <SidebarPlaceholder />
        </div>
      )}
      <main className="flex min-w-0 flex-1 flex-col">
        <ChatHeader
          title={title}
          conversation={address}
          isEmpty={isEmpty}
          isTemporary={isTemporary}
          onTemporary={setTemporary}
          onOpenMenu={() => setIsMenuOpen(true)}
          onNewChat={startNewChat}
        />
        <Banners conversation={address} transcriptKey={key} />
        <TranscriptView
          transcriptKey={key}
          onEdit={edit}
          welcome={
            isRestoring && address !== null ? (
              <MessagesSkeleton />
            ) : (
              <div className={isRestoring ? "boot-guest contents" : "contents"}>
                <Welcome isReady={!isRestoring} isTemporary={isTemporary} onPick={send} />
              </div>
            )
          }
        />
        <div className="mx-auto w-full max-w-3xl px-3 pt-2 pb-[max(0.75rem,env(safe-area-inset-bottom))] sm:px-6">
          <Composer
            inputRef={inputRef}
            text={text}
            onTextChange={setText}
            isAnswering={liveKey !== null}
            isReady={!isRestoring}
            isTemporary={isTemporary}
            onSend={() => send(text)}
            onStop={stop}
          />
          <p className="mt-2 text-center text-xs text-ink-soft">
            A small model: friendly, but often wrong.
            {status === "guest" && " Guest chats are gone when you leave."}
            {isTemporary && " Not saved. Gone when you leave."}
          </p>
        </div>
        <LiveAnnouncer transcript={key} />
      </main>
    </div>
  );
}

function useTitle(conversation: number | null): string | null {
  const { data } = useConversations();
  const title = data?.find((item) => item.id === conversation)?.title ?? null;
  useEffect(() => {
    document.title = title ? `${title} · EuGPT` : "EuGPT";
  }, [title]);
  return title;
}

/** On a phone the keyboard would cover the page before anybody asked for it. */
function focusOnDesktop(input: HTMLElement | null): void {
  if (matchMedia("(pointer: fine)").matches) input?.focus({ preventScroll: true });
}
