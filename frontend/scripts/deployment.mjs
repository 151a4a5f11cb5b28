/**
 * What an exported page says about the place it is served from: its policy (CSP), where the API is,
 * and the addresses in its social card. Pure text to text, so that an export can be placed again.
 */
import { createHash } from "node:crypto";

const MARK = "data-deployment";
const SOCIAL_CARD = "/social-card.png";

/** An origin as browsers write it, or "" for the one that serves the page. */
export function readOrigin(name, text = "") {
  const value = text.trim().replace(/\/+$/, "");
  if (value === "") return "";
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url === null || !/^https?:\/\/[\w.:[\]-]+$/.test(value) || url.origin !== value) {
    throw new Error(`${name} must be an origin like https://chat.example.org, not "${text}"`);
  }
  return value;
}

/** The page with its policy and addresses, in place of those it had. */
export function placePage(html, { api, site, path }) {
  const bare = html.replace(new RegExp(`<[^<>]* ${MARK}=""[^<>]*>`, "g"), "");
  const start = '<meta charSet="utf-8"/>';
  if (!bare.includes(start)) throw new Error(`${path} does not begin as an exported page does`);
  const policy = pagePolicy(bare, api);
  return bare.replace(start, () => start + policyTag(policy) + placeTags({ api, site, path }));
}

/**
 * Scripts run by hash only; the browser refuses handlers in attributes. Styles need no
 * 'unsafe-inline': what components set on elements goes through the CSSOM, which a policy does not
 * concern; `style` attributes in the exported markup are hashed; and the one library that adds a
 * style element (react-remove-scroll, below Radix dialogs) uses ours instead
 * (src/components/style-singleton.ts). 'self' covers ws: and wss: of this host, too.
 */
export function pagePolicy(html, api) {
  const styles = hashes(html, / style="([^"]+)"/g);
  return [
    "default-src 'self'",
    ["script-src 'self'", ...hashes(html, /<script(?![^>]*\ssrc=)[^>]*>([^]*?)<\/script>/g)],
    "style-src 'self'",
    styles.length > 0 ? ["style-src-attr 'unsafe-hashes'", ...styles] : "style-src-attr 'none'",
    "img-src 'self' data: blob:",
    ["connect-src 'self'", ...(api === "" ? [] : [api, api.replace(/^http/, "ws")])],
    "frame-src 'none'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
  ]
    .map((directive) => [directive].flat().join(" "))
    .join("; ");
}

function hashes(html, pattern) {
  const found = [...html.matchAll(pattern)].map(([, text]) => `'sha256-${sha256(text)}'`);
  return [...new Set(found)];
}

function sha256(text) {
  return createHash("sha256").update(text).digest("base64");
}

function policyTag(policy) {
  return `<meta http-equiv="Content-Security-Policy" content="${policy}" ${MARK}=""/>`;
}

function placeTags({ api, site, path }) {
  const card = `${site}${SOCIAL_CARD}`;
  const tags = [
    `<meta name="eugpt-api" content="${api}" ${MARK}=""/>`,
    `<meta property="og:image" content="${card}" ${MARK}=""/>`,
    `<meta property="og:image:width" content="1200" ${MARK}=""/>`,
    `<meta property="og:image:height" content="630" ${MARK}=""/>`,
    `<meta property="og:image:alt" content="EuGPT, beside a twig of eucalyptus" ${MARK}=""/>`,
    `<meta name="twitter:image" content="${card}" ${MARK}=""/>`,
  ];
  if (site !== "") tags.push(`<meta property="og:url" content="${site}${path}" ${MARK}=""/>`);
  if (api !== "") {
    tags.push(`<link rel="preconnect" href="${api}" crossorigin="use-credentials" ${MARK}=""/>`);
  }
  return tags.join("");
}
