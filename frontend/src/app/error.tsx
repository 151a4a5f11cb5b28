"use client";

import { BrokenPage } from "@/components/broken-page";

export default function ErrorPage() {
  return <BrokenPage />;
}
