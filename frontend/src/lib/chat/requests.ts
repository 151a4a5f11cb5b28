/** The socket's messages for what was asked; made anew, and the same, each time they are sent. */
import type { SubmitMessage } from "./events";
import { guestHistory } from "./selectors";
import { type ChatState, conversationOf, type Reply } from "./state";

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

/** The conversation; or the history, where the server keeps none. */
function whereTo(state: ChatState, reply: Reply, isGuest: boolean): object {
  const conversation = conversationOf(reply.transcript);
  const isTemporary = state.transcripts[reply.transcript]?.isTemporary === true && !isGuest;
  if (isGuest || isTemporary) {
    const history = guestHistory(state, reply.transcript);
    return { history, ...(isTemporary ? { temporary: true } : {}) };
  }
  return conversation === null ? {} : { conversation };
}
