import type { Metadata, Viewport } from "next";
import localFont from "next/font/local";
import type { ReactNode } from "react";
import { Providers } from "@/components/providers";
import { Shortcuts } from "@/components/shortcuts/shortcuts";
import { BOOT_SCRIPT } from "@/lib/boot";
import { DARK_QUERY, THEME_COLORS } from "@/lib/theme";
import "./globals.css";

const text = localFont({
  src: "../../node_modules/@fontsource-variable/figtree/files/figtree-latin-wght-normal.woff2",
  weight: "300 900",
  variable: "--font-text",
});

const heading = localFont({
  src: "../../node_modules/@fontsource-variable/bricolage-grotesque/files/bricolage-grotesque-latin-wght-normal.woff2",
  weight: "200 800",
  variable: "--font-heading",
});

const DESCRIPTION =
  "Chat with a small language model that was trained for this project and runs right here.";

export const metadata: Metadata = {
  title: { default: "EuGPT", template: "%s · EuGPT" },
  description: DESCRIPTION,
  applicationName: "EuGPT",
  appleWebApp: { title: "EuGPT" },
  formatDetection: { telephone: false, address: false, email: false },
  // The picture's address depends on where the page is served: scripts/place.mjs writes it.
  openGraph: { type: "website", siteName: "EuGPT", title: "EuGPT", description: DESCRIPTION },
  twitter: { card: "summary_large_image" },
};

export const viewport: Viewport = {
  width: "device-width",
  initialScale: 1,
  interactiveWidget: "resizes-content",
  viewportFit: "cover",
  themeColor: [
    { media: "(prefers-color-scheme: light)", color: THEME_COLORS.light },
    { media: DARK_QUERY, color: THEME_COLORS.dark },
  ],
};

export default function RootLayout({ children }: { children: ReactNode }) {
  return (
    <html
      lang="en"
      data-theme="light"
      className={`${text.variable} ${heading.variable}`}
      suppressHydrationWarning
    >
      <head>
        <script dangerouslySetInnerHTML={{ __html: BOOT_SCRIPT }} />
      </head>
      <body className="antialiased">
        <Providers>
          {children}
          <Shortcuts />
        </Providers>
      </body>
    </html>
  );
}
