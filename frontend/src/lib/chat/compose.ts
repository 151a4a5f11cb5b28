/**
 * What a wish about a message comes to: another question or a sibling that the server keeps, or, in
 * a chat that is on this page alone, a prompt in place of what stands from there on.
 */
import type { PromptSent, SiblingAsked } from "./actions";
import { GLASS_LOGPROBS, type SamplingParams } from "./params";
import { detailsOf, findMessage, type FoundMessage, messageText } from "./selectors";
import type { Asked, ChatState } from "./state";

/** Who asks, and how replies are to be sampled from now on. */
export interface Asker {
  readonly isGuest: boolean;
  readonly sampling: SamplingParams;
  readonly isGlassOn: boolean;
}

/** Still without the client id and the time of sending. */
export type Composed =
  | Omit<PromptSent, "clientId" | "sentAt">
  | Omit<SiblingAsked, "clientId" | "sentAt">;

/** The person's own params, and alternatives for the glass. */
export function newParams({ sampling, isGlassOn }: Asker): SamplingParams {
  return { ...sampling, ...(isGlassOn ? { logprobs: GLASS_LOGPROBS } : {}) };
}

export function regenerate(state: ChatState, asker: Asker, key: string): Composed | null {
  return answerAgain(state, asker, key, newParams(asker));
}

/**
 * Null without the seed. One that begins with given tokens needs the last of them, too: branching
 * off there gives the same beginning.
 */
export function replay(
  state: ChatState,
  asker: Asker,
  key: string,
  lastBegun: number | null = null,
): Composed | null {
  const found = findMessage(state, key);
  const details = found && detailsOf(state, found.message);
  if (!details || details.seed === null) return null;
  const params = { ...details.params, logprobs: GLASS_LOGPROBS };
  if (details.begunTokens === 0) return answerAgain(state, asker, key, params);
  const { id } = found.message;
  if (id === null || lastBegun === null || details.begunTokens === null) return null;
  const at = details.begunTokens - 1;
  return sibling(found, { type: "branch", message: id, at, token: lastBegun }, { params });
}

export function edit(
  state: ChatState,
  asker: Asker,
  key: string,
  text: string,
): Composed | null {
  const found = findMessage(state, key);
  if (found?.message.role !== "user") return null;
  const { transcript, message } = found;
  const params = newParams(asker);
  if (isPageOnly(state, asker, found)) {
    return { type: "prompt_sent", transcript, text, params, cut: key };
  }
  if (message.id === null) return null;
  const asked: Asked = { type: "edit", message: message.id };
  return { type: "sibling_asked", transcript, cut: key, asked, prompt: text, params };
}

/** Without params those of the old answer hold, its seed too: it says what it would have said. */
export function continueReply(state: ChatState, asker: Asker, key: string): Composed | null {
  const found = findMessage(state, key);
  if (found === null || found.message.id === null) return null;
  const old = asker.isGlassOn ? oldParams(state, found) : null;
  return sibling(found, { type: "continue", message: found.message.id }, {
    params: old && { ...old, logprobs: GLASS_LOGPROBS },
    beginning: messageText(state, found.message),
  });
}

export function branch(
  state: ChatState,
  asker: Asker,
  key: string,
  choice: { readonly at: number; readonly token: number; readonly beginning: string },
): Composed | null {
  const found = findMessage(state, key);
  if (found === null || found.message.id === null) return null;
  const { at, token, beginning } = choice;
  const old = withoutSeed(oldParams(state, found) ?? asker.sampling);
  return sibling(found, { type: "branch", message: found.message.id, at, token }, {
    params: { ...old, logprobs: GLASS_LOGPROBS },
    beginning,
  });
}

function answerAgain(
  state: ChatState,
  asker: Asker,
  key: string,
  params: SamplingParams,
): Composed | null {
  const found = findMessage(state, key);
  if (found?.message.role !== "assistant") return null;
  const { transcript, message, prompt, question } = found;
  if (isPageOnly(state, asker, found)) {
    if (question === null) return null;
    return { type: "prompt_sent", transcript, text: prompt, params, cut: question };
  }
  if (message.id === null) return null;
  return sibling(found, { type: "regenerate", message: message.id }, { params });
}

function sibling(
  { transcript, message, prompt }: FoundMessage,
  asked: SiblingAsked["asked"],
  more: Pick<SiblingAsked, "params" | "beginning">,
): Composed {
  return { type: "sibling_asked", transcript, cut: message.key, asked, prompt, ...more };
}

/** The server keeps nothing of such a chat. */
function isPageOnly(state: ChatState, asker: Asker, { transcript }: FoundMessage): boolean {
  return asker.isGuest || state.transcripts[transcript]?.isTemporary === true;
}

function oldParams(state: ChatState, { message }: FoundMessage): SamplingParams | null {
  return detailsOf(state, message)?.params ?? null;
}

function withoutSeed(params: SamplingParams): SamplingParams {
  return Object.fromEntries(Object.entries(params).filter(([name]) => name !== "seed"));
}
