/** The socket's messages for what was asked; made anew, and the same, each time they are sent. */
import type { SubmitMessage } from "./events";
import { GLASS_LOGPROBS, type SamplingParams } from "./params";
import { detailsOf, guestHistory } from "./selectors";
import { type ChatState, conversationOf, type Message, type Reply } from "./state";

/** `isPageOnly`: the server keeps nothing of this chat, so its history goes along. */
export function submitMessage(
  state: ChatState,
  reply: Reply & { readonly clientId: string },
  isGuest: boolean,
): SubmitMessage {
  const { asked } = reply;
  const base = { client_id: reply.clientId, ...(reply.params ? { params: reply.params } : {}) };
  switch (asked.type) {
    case "prompt":
      return { type: "prompt", text: reply.prompt, ...base, ...whereTo(state, reply, isGuest) };
    case "edit":
      return { ...asked, text: reply.prompt, ...base };
    default:
      return { ...asked, ...base };
  }
}

function whereTo(state: ChatState, reply: Reply, isGuest: boolean): object {
  const conversation = conversationOf(reply.transcript);
  const isTemporary = state.transcripts[reply.transcript]?.isTemporary === true && !isGuest;
  if (isGuest || isTemporary) {
    const history = guestHistory(state, reply.transcript);
    return { history, ...(isTemporary ? { temporary: true } : {}) };
  }
  return conversation === null ? {} : { conversation };
}

/** Params for a new reply: the person's own, and alternatives for the glass. */
export function newParams(sampling: SamplingParams, isGlassOn: boolean): SamplingParams {
  return { ...sampling, ...(isGlassOn ? { logprobs: GLASS_LOGPROBS } : {}) };
}

/** Params of a reply that there was; null where they are not known here. */
export function oldParams(state: ChatState, message: Message): SamplingParams | null {
  return detailsOf(state, message)?.params ?? null;
}

/** The same reply once more, with its alternatives. Null without its seed: it could not be the same. */
export function replayParams(state: ChatState, message: Message): SamplingParams | null {
  const params = oldParams(state, message);
  return params?.seed === undefined ? null : { ...params, logprobs: GLASS_LOGPROBS };
}
