import type { Metadata } from "next";
import { VerifyPage } from "@/components/auth/verify-page";

export const metadata: Metadata = {
  title: "Confirm your address",
  // Opened from mails alone; where its links lead is nobody's business.
  robots: { index: false, follow: false },
  referrer: "no-referrer",
};

export default function Page() {
  return <VerifyPage />;
}
