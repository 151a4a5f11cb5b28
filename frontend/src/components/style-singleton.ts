"use client";

import { useEffect } from "react";

interface StyleProps {
  readonly styles: string;
  readonly dynamic?: boolean;
}

/**
 * Stands in for the package `react-style-singleton` (next.config.ts), with which dialogs keep the
 * page behind them from scrolling: that one adds a style element, which our CSP refuses. A
 * constructed sheet does the same and needs no 'unsafe-inline'.
 */
export function styleSingleton(): (props: StyleProps) => null {
  let users = 0;
  let sheet: CSSStyleSheet | null = null;

  function add(styles: string): () => void {
    users += 1;
    if (sheet === null) {
      sheet = new CSSStyleSheet();
      sheet.replaceSync(styles);
      document.adoptedStyleSheets.push(sheet);
    }
    return remove;
  }

  function remove(): void {
    users -= 1;
    if (users > 0) return;
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== sheet);
    sheet = null;
  }

  return function Style({ styles, dynamic = false }: StyleProps): null {
    // The first user's text stays, unless `dynamic` says that it may change: as in the package.
    const text = dynamic ? styles : "";
    // eslint-disable-next-line react-hooks/exhaustive-deps
    useEffect(() => add(styles), [text]);
    return null;
  };
}
