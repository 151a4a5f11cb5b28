import path from "node:path";
import { fileURLToPath } from "node:url";
import type { NextConfig } from "next";

/** A static export: Django (`make run`), Caddy or a CDN serves `out/`; no Node process runs. */
const config: NextConfig = {
  output: "export",
  trailingSlash: true,
  reactStrictMode: true,
  poweredByHeader: false,
  images: { unoptimized: true },
  // A check of its own (`npm run typecheck`), which needs the types made from the backend; the build
  // does not, so it runs where there is no Python.
  typescript: { ignoreBuildErrors: true },
  // The repository holds other lock files; without this Next guesses the workspace root.
  turbopack: {
    root: path.dirname(fileURLToPath(import.meta.url)),
    resolveAlias: { "react-style-singleton": "./src/components/style-singleton.ts" },
  },
};

export default config;
