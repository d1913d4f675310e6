// The watched list as the page holds it: snapshot and deltas of WatchInbox make rows in order and the counters of the tabs.
import type { Conversation, InboxCounters } from "./gen/relevo/query/v1/conversation_pb.js";
import type { WatchInboxResponse } from "./gen/relevo/query/v1/watch_pb.js";

export class Inbox {
  rows = new Map<string, Conversation>();
  order: string[] = [];
  counters: InboxCounters | undefined;

  /** What the message says. True if something is to be drawn. */
  take({ event }: WatchInboxResponse): boolean {
    switch (event.case) {
      case "snapshot":
        this.rows = new Map(event.value.conversations.map((row) => [row.conversationId, row]));
        this.order = event.value.conversations.map((row) => row.conversationId);
        this.counters = event.value.counters;
        return true;
      case "delta": {
        const { upserts, removedIds, order, counters, resumed } = event.value;
        for (const id of removedIds) this.rows.delete(id);
        for (const row of upserts) this.rows.set(row.conversationId, row);
        // After resuming `order` says it all; otherwise an empty one means that nothing has moved.
        if (resumed || order.length > 0) this.order = order;
        this.order = this.order.filter((id) => this.rows.has(id));
        const shown = new Set(this.order);
        for (const id of this.rows.keys()) if (!shown.has(id)) this.rows.delete(id);
        this.counters = counters;
        return true;
      }
      default:
        return false;
    }
  }
}
