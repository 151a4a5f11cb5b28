import type { Metadata } from "next";
import { SharedPage } from "@/components/share/shared-page";

export const metadata: Metadata = {
  title: "Shared conversation",
  description: "A conversation with EuGPT that somebody shared.",
  // A copy in a search engine would outlive its revocation; its address is for those who got it.
  robots: { index: false, follow: false },
  referrer: "no-referrer",
};

export default function Page() {
  return <SharedPage />;
}
