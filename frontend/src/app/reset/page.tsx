import type { Metadata } from "next";
import { ResetPage } from "@/components/auth/reset-page";

export const metadata: Metadata = {
  title: "Choose a new password",
  // Opened from mails alone; where its links lead is nobody's business.
  robots: { index: false, follow: false },
  referrer: "no-referrer",
};

export default function Page() {
  return <ResetPage />;
}
