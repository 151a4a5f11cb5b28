"use client";

import {
  Archive,
  KeyRound,
  type LucideIcon,
  MonitorSmartphone,
  Palette,
  SlidersHorizontal,
  Terminal,
  User,
} from "lucide-react";
import type { ComponentType } from "react";
import { AnswersSection } from "./answers-section";
import { DataSection } from "./data-section";
import { KeysSection } from "./keys-section";
import { LookSection } from "./look-section";
import { PasswordSection } from "./password-section";
import { ProfileSection } from "./profile-section";
import { SessionsSection } from "./sessions-section";
import type { SettingsTab } from "@/hooks/use-settings-address";

export interface Section {
  readonly title: string;
  /** Under the name, in the list on phones. */
  readonly summary: string;
  readonly Icon: LucideIcon;
  readonly Content: ComponentType;
  /** What an account gives here; sections without it are for guests, too. */
  readonly needsAccount?: string;
}

export const SECTIONS: Readonly<Record<SettingsTab, Section>> = {
  profile: {
    title: "Profile",
    summary: "Your name",
    Icon: User,
    Content: ProfileSection,
    needsAccount:
      "An account is a name and a password, nothing else. It keeps your conversations, and you find them on all your devices.",
  },
  password: {
    title: "Password",
    summary: "Choose another one",
    Icon: KeyRound,
    Content: PasswordSection,
    needsAccount:
      "Guests have no password. With an account you choose one, and can change it here.",
  },
  sessions: {
    title: "Sessions",
    summary: "Where you are signed in",
    Icon: MonitorSmartphone,
    Content: SessionsSection,
    needsAccount:
      "With an account you see here where you are signed in, and can sign out other devices.",
  },
  keys: {
    title: "API keys",
    summary: "For programs of your own",
    Icon: Terminal,
    Content: KeysSection,
    needsAccount:
      "With an account you make keys here, with which programs can talk to the model: those that speak OpenAI's API work as they are.",
  },
  answers: {
    title: "Answers",
    summary: "From calm to wild",
    Icon: SlidersHorizontal,
    Content: AnswersSection,
  },
  look: {
    title: "Look and keys",
    summary: "Theme, motion, shortcuts",
    Icon: Palette,
    Content: LookSection,
  },
  data: {
    title: "Your data",
    summary: "Download or delete it",
    Icon: Archive,
    Content: DataSection,
    needsAccount:
      "A guest's chat is on this page only and gone when you leave. With an account you can download everything that is kept, and delete it.",
  },
};
