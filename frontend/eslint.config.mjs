import nextVitals from "eslint-config-next/core-web-vitals";
import nextTypescript from "eslint-config-next/typescript";

const config = [
  { ignores: [".next/", "out/", "next-env.d.ts", "coverage/", "**/*.gen.d.ts"] },
  ...nextVitals,
  ...nextTypescript,
  {
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-non-null-assertion": "error",
      "no-console": "error",
      eqeqeq: "error",
    },
  },
  { files: ["scripts/**"], rules: { "no-console": "off" } },
  {
    // Layers: lib knows no React and nothing above it; hooks know no components.
    files: ["src/lib/**"],
    rules: {
      "no-restricted-imports": [
        "error",
        { patterns: ["react", "react-dom", "next/*", "@/hooks/*", "@/components/*", "@/app/*"] },
      ],
    },
  },
  {
    files: ["src/hooks/**"],
    rules: {
      "no-restricted-imports": ["error", { patterns: ["@/components/*", "@/app/*"] }],
    },
  },
];

export default config;
