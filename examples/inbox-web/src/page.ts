// The page: signing in, tabs, list, thread, pause and resume. Everything that it shows comes from watches; it never asks twice.
import { createClient } from "@connectrpc/connect";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { ConversationService } from "./gen/relevo/command/v1/conversation_pb.js";
import { InboxTab, type Conversation, type TabCounts } from "./gen/relevo/query/v1/conversation_pb.js";
import { InboxService } from "./gen/relevo/query/v1/inbox_pb.js";
import { Author, type ThreadEntry } from "./gen/relevo/query/v1/thread_pb.js";
import { BotState, PauseReason } from "./gen/relevo/query/v1/words_pb.js";
import { untilKnown } from "./command.js";
import { quickReplies, send, standing, type Written } from "./composer.js";
import { Inbox } from "./inbox.js";
import { problemOf, type Problem } from "./problem.js";
import { Session } from "./session.js";
import { Thread } from "./thread.js";
import { follow } from "./watch.js";
import { happenedOf, reasonOf, reasons, wordsOf, type Language } from "./words.js";

const asked = new URLSearchParams(location.search);
const language: Language = (asked.get("lang") ?? navigator.language).startsWith("en") ? "en" : "es";
const words = wordsOf(language);
const tabs: [string, InboxTab, string][] = [
  ["mine", InboxTab.MINE, words.mine],
  ["unassigned", InboxTab.UNASSIGNED, words.unassigned],
  ["all", InboxTab.ALL, words.all],
];

let session: Session | undefined;
let tab = "all";
let inbox = new Inbox();
let thread = new Thread();
let watchingInbox = new AbortController();
let watchingThread = new AbortController();

/** An element with attributes and children; text is text, never markup. */
function h(name: string, attributes: Record<string, string> = {}, ...children: (Node | string)[]): HTMLElement {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function at(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`no element ${id}`);
  return element;
}

function state(state: "live" | "away", problem?: Problem): void {
  at("state").textContent = state === "live" ? words.live : words.away;
  at("state").dataset["state"] = state;
  at("state").dataset["again"] = String(session?.signedInAgain ?? 0);
  if (problem && !problem.retryable && problem.code !== "TOKEN_EXPIRED") complain(problem);
}

function complain(problem: Problem): void {
  at("problem").textContent = problem.text;
  at("problem").dataset["code"] = problem.code;
}

// --- the list

function watchInbox(): void {
  watchingInbox.abort();
  watchingInbox = new AbortController();
  const { signal } = watchingInbox;
  const signedIn = session;
  if (!signedIn) return;
  inbox = new Inbox();
  drawList();
  const chosen = tabs.find(([name]) => name === tab)?.[1] ?? InboxTab.ALL;
  const client = createClient(InboxService, signedIn.transport);
  void follow(
    signedIn,
    (fromPosition, signal) => client.watchInbox({ filter: { tab: chosen }, pageSize: 50, fromPosition }, { signal }),
    (message) => {
      if (!signal.aborted && inbox.take(message)) drawList();
    },
    state,
    signal,
  );
}

function drawList(): void {
  const counts: Record<string, TabCounts | undefined> = {
    mine: inbox.counters?.mine,
    unassigned: inbox.counters?.unassigned,
    all: inbox.counters?.all,
  };
  at("tabs").replaceChildren(
    ...tabs.map(([name, , label]) => {
      const count = counts[name];
      const number = count ? String(count.open + count.pending) : "";
      const button = h("button", { "data-tab": name, "aria-pressed": String(name === tab) }, `${label} `, h("b", {}, number));
      button.onclick = () => {
        tab = name;
        watchInbox();
      };
      return button;
    }),
  );
  const rows = inbox.order.map((id) => inbox.rows.get(id)).filter((row) => row !== undefined);
  at("list").replaceChildren(...(rows.length > 0 ? rows.map(drawRow) : [h("p", { class: "hint" }, words.empty)]));
}

function drawRow(row: Conversation): HTMLElement {
  const unread = row.unread > 0n ? h("b", { class: "unread", title: words.unread }, String(row.unread)) : "";
  const tags = row.tags.map((tag) => {
    const chip = h("span", { class: "tag" }, tag.name);
    chip.style.borderColor = tag.colour;
    return chip;
  });
  const element = h(
    "button",
    { class: "row", "data-conversation": row.conversationId, "data-bot": bot(row) },
    h("span", { class: "who" }, row.contactName || row.contactAddress, " ", unread),
    h("time", {}, row.lastActivity ? timestampDate(row.lastActivity).toLocaleTimeString(language) : ""),
    h("span", { class: "preview" }, row.preview || row.previewKind),
    h("span", { class: "marks" }, badge(row), h("span", { class: "channel" }, row.channelLabel), ...tags),
  );
  if (row.conversationId === thread.conversation?.conversationId) element.setAttribute("aria-current", "true");
  element.onclick = () => watchThread(row.conversationId);
  return element;
}

function bot(row: Conversation): "active" | "paused" {
  return row.bot === BotState.PAUSED ? "paused" : "active";
}

function badge(row: Conversation): HTMLElement {
  return h("span", { class: `badge ${bot(row)}` }, bot(row) === "paused" ? words.paused : words.active);
}

// --- the thread

function watchThread(conversationId: string): void {
  watchingThread.abort();
  watchingThread = new AbortController();
  const { signal } = watchingThread;
  const signedIn = session;
  if (!signedIn) return;
  thread = new Thread();
  const client = createClient(InboxService, signedIn.transport);
  void follow(
    signedIn,
    (fromPosition, signal) => client.watchConversation({ conversationId, fromPosition }, { signal }),
    (message) => {
      if (!signal.aborted && thread.take(message)) {
        drawThread();
        drawList();
      }
    },
    state,
    signal,
  );
}

function drawThread(): void {
  const row = thread.conversation;
  at("composer").hidden = !row;
  if (!row) {
    at("head").replaceChildren(h("p", { class: "hint" }, words.choose));
    at("entries").replaceChildren();
    at("people").replaceChildren();
    return;
  }
  at("head").dataset["conversation"] = row.conversationId;
  at("head").dataset["bot"] = bot(row);
  const title = h("h2", {}, row.contactName || row.contactAddress);
  const holder = row.assignee?.agentName || row.assignee?.teamName || words.nobody;
  at("head").replaceChildren(title, badge(row), h("span", { class: "holder" }, holder), ...pausing(row));
  const watching = thread.people.filter((one) => one.agentId !== session?.agent).map((one) => one.agentName);
  at("people").textContent = watching.length > 0 ? `👁 ${watching.join(", ")}` : "";
  const entries = at("entries");
  const end = entries.scrollHeight - entries.scrollTop - entries.clientHeight < 40;
  entries.replaceChildren(...thread.entries.map(drawEntry).filter((element) => element !== undefined));
  if (end) entries.scrollTop = entries.scrollHeight;
}

function pausing(row: Conversation): HTMLElement[] {
  if (bot(row) === "paused") {
    const resume = h("button", { id: "resume" }, words.resume);
    resume.onclick = () => void command(resume, (id) => ({ resume: true, id, row }));
    const { reason, by, note } = row.pause ?? {};
    const why = `${reasonOf(reason ?? PauseReason.UNSPECIFIED, language)} · ${words.by} ${by?.name || by?.id || "–"}`;
    return [h("span", { id: "why" }, note ? `${why} · ${note}` : why), resume];
  }
  const reason = h("select", { id: "reason", title: words.reason }) as HTMLSelectElement;
  reason.append(...reasons.map(([value, es, en]) => h("option", { value: String(value) }, language === "es" ? es : en)));
  const note = h("input", { id: "note", placeholder: words.note, maxlength: "1000" }) as HTMLInputElement;
  const pause = h("button", { id: "pause" }, words.pause);
  pause.onclick = () =>
    void command(pause, (id) => ({ resume: false, id, row, reason: Number(reason.value), note: note.value }));
  return [reason, note, pause];
}

interface Wanted {
  id: string;
  row: Conversation;
  resume: boolean;
  reason?: PauseReason;
  note?: string;
}

/** Sends a command. Its id is chosen once, before the first attempt: repeating it cannot do it twice. */
async function command(button: HTMLElement, wanted: (id: string) => Wanted): Promise<void> {
  if (!session) return;
  const client = createClient(ConversationService, session.transport);
  const { id: commandId, row, resume, reason = PauseReason.OTHER, note = "" } = wanted(crypto.randomUUID());
  const { conversationId } = row;
  button.setAttribute("disabled", "");
  at("problem").textContent = "";
  try {
    await untilKnown(session, async () => {
      if (resume) await client.resumeBot({ commandId, conversationId, note }, { timeoutMs: 10_000 });
      else await client.pauseBot({ commandId, conversationId, reason, note }, { timeoutMs: 10_000 });
    });
    // The watches show what became of it, here and on every colleague's page.
  } catch (error) {
    complain(problemOf(error));
  } finally {
    button.removeAttribute("disabled");
  }
}

// --- writing

/** Stays as it is while the thread is drawn again: somebody may be typing. */
function drawComposer(): void {
  const text = h("input", { id: "text", placeholder: words.write, autocomplete: "off" }) as HTMLInputElement;
  const quick = h("select", { id: "quick", title: words.quickReply }) as HTMLSelectElement;
  const button = h("button", { id: "send", type: "submit" }, words.send);
  const form = at("composer") as HTMLFormElement;
  form.replaceChildren(text, quick, button);
  form.onsubmit = (event) => {
    event.preventDefault();
    const written: Written | undefined = text.value.trim() ? { text: text.value } : undefined;
    if (written) void write(button, written).then((queued) => queued && (text.value = ""));
  };
  quick.onchange = () => {
    const quickReply = quick.value;
    quick.value = "";
    if (quickReply) void write(button, { quickReply });
  };
  const signedIn = session;
  if (!signedIn) return;
  const choices = (known: [name: string, title: string][]) =>
    quick.replaceChildren(...known.map(([name, title]) => h("option", { value: name }, title)));
  choices([["", words.quickReply]]);
  quickReplies(signedIn).then(
    (known) => choices([["", words.quickReply], ...known.map(({ name, title }): [string, string] => [name, title])]),
    (error: unknown) => complain(problemOf(error)),
  );
}

async function write(button: HTMLElement, written: Written): Promise<boolean> {
  const seen = thread.conversation;
  if (!session || !seen) return false;
  button.setAttribute("disabled", "");
  at("problem").textContent = "";
  try {
    await send(session, seen, written);
    return true;
  } catch (error) {
    complain(problemOf(error));
    return false;
  } finally {
    button.removeAttribute("disabled");
  }
}

function drawEntry(entry: ThreadEntry): HTMLElement | undefined {
  const when = entry.occurredAt ? timestampDate(entry.occurredAt).toLocaleString(language) : "";
  const time = h("time", {}, when);
  switch (entry.entry.case) {
    case "message": {
      const message = entry.entry.value;
      const ours = message.author !== Author.CUSTOMER;
      const attached = message.attachments.map((one) => h("p", { class: "file" }, `📎 ${one.fileName || words.attachment}`));
      const reactions = message.reactions.map((one) => one.emoji).join(" ");
      const kind = message.kind === "note" ? "note" : ours ? "ours" : "theirs";
      const text = message.revoked ? "–" : message.text || `[${message.kind}]`;
      const stands = message.outgoing ? standing(message.outgoing) : undefined;
      const tick = stands ? [h("span", { class: "tick", "data-state": stands.name, title: stands.name }, stands.tick)] : [];
      const trouble = stands?.trouble ? [h("p", { class: "trouble" }, stands.trouble)] : [];
      const below = [...attached, ...trouble, h("small", {}, reactions), time, ...tick];
      return h("li", { class: kind, "data-entry": entry.entryId }, h("p", {}, text), ...below);
    }
    case "timeline": {
      const { kind, by, pauseReason, note } = entry.entry.value;
      const what = happenedOf(kind, language);
      const why = pauseReason === PauseReason.UNSPECIFIED ? "" : ` · ${reasonOf(pauseReason, language)}`;
      const who = by ? ` · ${by.name || by.id}` : "";
      const line = `${what}${why}${who}${note ? ` · ${note}` : ""}`;
      return h("li", { class: "timeline", "data-entry": entry.entryId }, line, " ", time);
    }
    default:
      return undefined;
  }
}

// --- signing in

async function signIn(relevo: string, agent: string): Promise<void> {
  signOut();
  session = new Session(relevo, agent, language, asked.get("renew") !== "off");
  await session.signIn();
  at("inbox").hidden = false;
  watchInbox();
  drawComposer();
  drawThread();
}

function signOut(): void {
  watchingInbox.abort();
  watchingThread.abort();
  session?.end();
  session = undefined;
  thread = new Thread();
  at("inbox").hidden = true;
}

async function start(): Promise<void> {
  document.documentElement.lang = language;
  document.title = words.title;
  const config = (await (await fetch("/config")).json()) as { relevo: string; agents: string[] };
  // For trying out an origin, or a broker, that is not allowed.
  const relevo = asked.get("relevo") ?? config.relevo;
  const agent = h("select", { id: "agent" }) as HTMLSelectElement;
  agent.append(...config.agents.map((name) => h("option", {}, name)));
  const button = h("button", { id: "sign-in" }, words.signIn);
  button.onclick = () =>
    void signIn(relevo, agent.value).catch((error: unknown) => (at("problem").textContent = String(error)));
  at("door").replaceChildren(h("h1", {}, words.title), button, agent, h("span", { id: "state" }), h("p", { id: "problem", role: "alert" }));
  const wanted = asked.get("agent");
  if (wanted) {
    agent.value = wanted;
    await signIn(relevo, wanted);
  }
}

void start();
