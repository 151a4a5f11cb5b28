"use client";

import dynamic from "next/dynamic";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { ChatFoot } from "./chat-foot";
import { ChatHeader } from "./chat-header";
import { MessagesSkeleton } from "./messages-skeleton";
import { TranscriptView } from "./transcript-view";
import { Welcome } from "./welcome";
import { GlassLegend } from "@/components/glass/glass-legend";
import { SidebarPlaceholder } from "@/components/sidebar/sidebar-placeholder";
import { useApp, useChat, useConnection, useSession } from "@/hooks/use-app";
import { useChatShortcuts } from "@/hooks/use-chat-shortcuts";
import { useContextUsage } from "@/hooks/use-context-usage";
import { useConversationTitle } from "@/hooks/use-conversation-title";
import { useDraft } from "@/hooks/use-draft";
import { useOpenConversation } from "@/hooks/use-open-conversation";
import { useRefusedPrompt } from "@/hooks/use-refused-prompt";
import { useSampling } from "@/hooks/use-sampling";
import { showConversation, useShownConversation } from "@/hooks/use-shown-conversation";
import { isGone, liveReplyKey, shownKey, transcriptOf } from "@/lib/chat/selectors";
import { readDraft, writeDraft } from "@/lib/drafts";
import { patiently } from "@/lib/patiently";

/** Guests have no use for it and need not wait for its code. */
const Sidebar = dynamic(
  () => patiently(async () => (await import("@/components/sidebar/sidebar")).Sidebar),
  { ssr: false, loading: SidebarPlaceholder },
);

/** There before it is needed: it also says that the connection is lost. */
const Banners = dynamic(
  () => patiently(async () => (await import("./banners")).Banners),
  { ssr: false },
);

/** Nothing is announced before it is there. */
const LiveAnnouncer = dynamic(
  () => patiently(async () => (await import("./live-announcer")).LiveAnnouncer),
  { ssr: false },
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
  const isDisabled = useChat((state) => isGone(transcriptOf(state, key)));
  const maxTokens = useSampling().max_tokens ?? null;
  const title = useTitle(conversation);
  const [text, setText] = useDraft(key);
  const { outside, firstInside } = useContextUsage(key, text, maxTokens);
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

  const edit = useCallback(
    (prompt: string): void => {
      setText(prompt);
      inputRef.current?.focus();
    },
    [setText],
  );

  const refusal = useRefusedPrompt(key, text, edit);

  const pick = useCallback(
    (prompt: string): void => {
      chat.send(key, prompt);
      // What was pressed goes away with the welcome.
      focusOnDesktop(inputRef.current);
    },
    [chat, key],
  );

  function send(): void {
    chat.send(key, text.trim());
    setText("");
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

  /** What waits in the new chat already stays in front. */
  function moveToNewChat(): void {
    const words = text;
    setText("");
    startNewChat();
    const { draft } = chat.state.get();
    writeDraft(draft, [readDraft(draft), words].filter((part) => part.trim() !== "").join("\n\n"));
    chat.dismissNotice();
  }

  const welcome = useMemo(
    () =>
      isRestoring && address !== null ? (
        <MessagesSkeleton />
      ) : (
        <div className={isRestoring ? "boot-guest contents" : "contents"}>
          <Welcome isReady={!isRestoring} isTemporary={isTemporary} onPick={pick} />
        </div>
      ),
    [isRestoring, address, isTemporary, pick],
  );

  return (
    <div className="flex h-dvh overflow-hidden">
      <SkipLink onSkip={() => inputRef.current?.focus()} />
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
          onTemporary={(isOn) => (isOn ? chat.startTemporary() : chat.startDraft())}
          onOpenMenu={() => setIsMenuOpen(true)}
          onNewChat={startNewChat}
        />
        <Banners conversation={address} transcriptKey={key} />
        {!isEmpty && <GlassLegend />}
        <TranscriptView
          transcriptKey={key}
          outside={outside}
          firstInside={firstInside}
          onEdit={edit}
          welcome={welcome}
        />
        <ChatFoot
          inputRef={inputRef}
          transcriptKey={key}
          text={text}
          maxTokens={maxTokens}
          isEmpty={isEmpty}
          isAnswering={liveKey !== null}
          isReady={!isRestoring}
          isDisabled={isDisabled}
          isTemporary={isTemporary}
          refusal={refusal}
          onMoveToNewChat={moveToNewChat}
          onTextChange={setText}
          onSend={send}
          onStop={stop}
        />
        <LiveAnnouncer transcript={key} />
      </main>
    </div>
  );
}

function SkipLink({ onSkip }: { readonly onSkip: () => void }) {
  return (
    <a
      href="#composer"
      onClick={(event) => {
        event.preventDefault();
        onSkip();
      }}
      className="absolute top-2 left-2 z-50 -translate-y-20 rounded-lg bg-leaf px-4 py-2 text-on-leaf focus:translate-y-0"
    >
      Skip to the message field
    </a>
  );
}

function useTitle(conversation: number | null): string | null {
  const title = useConversationTitle(conversation);
  useEffect(() => {
    document.title = title ? `${title} · EuGPT` : "EuGPT";
  }, [title]);
  return title;
}

/** On a phone the keyboard would cover the page before anybody asked for it. */
function focusOnDesktop(input: HTMLElement | null): void {
  if (matchMedia("(pointer: fine)").matches) input?.focus({ preventScroll: true });
}
