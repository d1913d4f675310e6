// The watched conversation as the page holds it: snapshot, deltas and presence of WatchConversation.
import type { Conversation } from "./gen/relevo/query/v1/conversation_pb.js";
import type { ThreadEntry } from "./gen/relevo/query/v1/thread_pb.js";
import type { Presence, WatchConversationResponse } from "./gen/relevo/query/v1/watch_pb.js";

/** Entries that are kept: the page shows the end of a thread, ListMessages has the rest. */
const ENTRIES_MAX = 400;

export class Thread {
  conversation: Conversation | undefined;
  entries: ThreadEntry[] = [];
  people: Presence[] = [];

  take({ event }: WatchConversationResponse): boolean {
    switch (event.case) {
      case "snapshot":
        this.conversation = event.value.conversation;
        this.entries = event.value.entries;
        this.people = event.value.presence?.people ?? [];
        return true;
      case "delta":
        this.conversation = event.value.conversation;
        for (const entry of event.value.entries) this.put(entry);
        return true;
      case "presence":
        this.people = event.value.people;
        return true;
      default:
        return false;
    }
  }

  private put(entry: ThreadEntry): void {
    const at = this.entries.findIndex((known) => known.entryId === entry.entryId);
    if (at >= 0) this.entries[at] = entry;
    else this.entries.push(entry);
    this.entries.splice(0, this.entries.length - ENTRIES_MAX);
  }
}
