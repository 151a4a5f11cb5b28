"use client";

import { BrokenPage } from "@/components/broken-page";
import "./globals.css";

/** In place of the layout, when that is what failed: it brings its own document. */
export default function GlobalError() {
  const theme = typeof document === "undefined" ? "light" : document.documentElement.dataset.theme;
  return (
    <html lang="en" data-theme={theme}>
      <body className="antialiased">
        <title>Something broke · EuGPT</title>
        <BrokenPage />
      </body>
    </html>
  );
}
