"use client";

import {
  Archive,
  Gauge,
  KeyRound,
  type LucideIcon,
  MonitorSmartphone,
  Palette,
  SlidersHorizontal,
  Terminal,
  User,
} from "lucide-react";
import dynamic from "next/dynamic";
import type { ComponentType } from "react";
import { CardSkeleton } from "./card-skeleton";
import type { SettingsTab } from "@/hooks/use-settings-address";
import { patiently } from "@/lib/patiently";

export interface Section {
  readonly title: string;
  /** Under the name, in the list on phones. */
  readonly summary: string;
  readonly Icon: LucideIcon;
  readonly Content: ComponentType;
  /** What an account gives here; sections without it are for guests, too. */
  readonly needsAccount?: string;
}

/** Each is loaded when it is opened: nobody needs all of them. */
export const SECTIONS: Readonly<Record<SettingsTab, Section>> = {
  profile: {
    title: "Profile",
    summary: "Your name and e-mail address",
    Icon: User,
    Content: dynamic(
      () => patiently(async () => (await import("./profile-section")).ProfileSection),
      { loading: CardSkeleton },
    ),
    needsAccount:
      "An account is a name and a password, nothing else is needed. It keeps your conversations, and you find them on all your devices.",
  },
  password: {
    title: "Password",
    summary: "Choose another one",
    Icon: KeyRound,
    Content: dynamic(
      () => patiently(async () => (await import("./password-section")).PasswordSection),
      { loading: CardSkeleton },
    ),
    needsAccount:
      "Guests have no password. With an account you choose one, and can change it here.",
  },
  sessions: {
    title: "Sessions",
    summary: "Where you are signed in",
    Icon: MonitorSmartphone,
    Content: dynamic(
      () => patiently(async () => (await import("./sessions-section")).SessionsSection),
      { loading: CardSkeleton },
    ),
    needsAccount:
      "With an account you see here where you are signed in, and can sign out other devices.",
  },
  keys: {
    title: "API keys",
    summary: "For programs of your own",
    Icon: Terminal,
    Content: dynamic(
      () => patiently(async () => (await import("./keys-section")).KeysSection),
      { loading: CardSkeleton },
    ),
    needsAccount:
      "With an account you make keys here, with which programs can talk to the model: those that speak OpenAI's API work as they are.",
  },
  usage: {
    title: "Usage",
    summary: "What is left of today",
    Icon: Gauge,
    Content: dynamic(
      () => patiently(async () => (await import("./usage-section")).UsageSection),
      { loading: CardSkeleton },
    ),
  },
  answers: {
    title: "Answers",
    summary: "From calm to wild",
    Icon: SlidersHorizontal,
    Content: dynamic(
      () => patiently(async () => (await import("./answers-section")).AnswersSection),
      { loading: CardSkeleton },
    ),
  },
  look: {
    title: "Look and keyboard",
    summary: "Theme, motion, shortcuts",
    Icon: Palette,
    Content: dynamic(
      () => patiently(async () => (await import("./look-section")).LookSection),
      { loading: CardSkeleton },
    ),
  },
  data: {
    title: "Privacy and data",
    summary: "What it may be used for, download, delete",
    Icon: Archive,
    Content: dynamic(
      () => patiently(async () => (await import("./data-section")).DataSection),
      { loading: CardSkeleton },
    ),
    needsAccount:
      "A guest's chat is on this page only and gone when you leave. With an account you can download everything that is kept, and delete it.",
  },
};
