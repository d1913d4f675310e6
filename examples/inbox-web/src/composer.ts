// Writing to the customer: a text or a quick reply, and how a message stands.
import { createClient } from "@connectrpc/connect";
import { untilKnown } from "./command.js";
import { SendService } from "./gen/relevo/command/v1/send_pb.js";
import type { Conversation } from "./gen/relevo/query/v1/conversation_pb.js";
import type { QuickReply } from "./gen/relevo/query/v1/template_pb.js";
import { QuickReplyService } from "./gen/relevo/query/v1/template_pb.js";
import { SendState, type Outgoing } from "./gen/relevo/query/v1/thread_pb.js";
import type { Session } from "./session.js";

export type Written = { text: string } | { quickReply: string };

/** What the business says every day. */
export async function quickReplies(session: Session): Promise<QuickReply[]> {
  return (await createClient(QuickReplyService, session.transport).listQuickReplies({}, { timeoutMs: 10_000 })).quickReplies;
}

/**
 * Queues a message; the watch shows what becomes of it. `seen` is the conversation as its author saw it: if a colleague has answered
 * since, nothing is sent (STALE_VIEW), the watch shows what they wrote, and sending again means it.
 */
export async function send(session: Session, seen: Conversation, written: Written): Promise<void> {
  const client = createClient(SendService, session.transport);
  const body =
    "text" in written
      ? ({ case: "text", value: { text: written.text } } as const)
      : ({ case: "quickReply", value: written.quickReply } as const);
  const request = {
    commandId: crypto.randomUUID(),
    conversationId: seen.conversationId,
    message: { body },
    lastSeenVersion: seen.version,
  };
  await untilKnown(session, () => client.sendMessage(request, { timeoutMs: 10_000 }));
}

/** Ticks as everybody knows them. */
const ticks: Record<SendState, string> = {
  [SendState.UNSPECIFIED]: "",
  [SendState.QUEUED]: "…",
  [SendState.SENDING]: "…",
  [SendState.ACCEPTED]: "✓",
  [SendState.SENT]: "✓",
  [SendState.DELIVERED]: "✓✓",
  [SendState.READ]: "✓✓",
  [SendState.PLAYED]: "✓✓",
  [SendState.FAILED]: "✗",
  [SendState.UNKNOWN]: "?",
  [SendState.CANCELLED]: "⊘",
};

/** The state for a style, its sign, and what went wrong in the reader's language. */
export function standing({ state, failure }: Outgoing): { name: string; tick: string; trouble: string } {
  const trouble = state === SendState.FAILED || state === SendState.QUEUED ? failure : undefined;
  return {
    name: (SendState[state] ?? "").toLowerCase(),
    tick: ticks[state] ?? "",
    trouble: trouble ? `${trouble.code} ${trouble.explanation}`.trim() : "",
  };
}
