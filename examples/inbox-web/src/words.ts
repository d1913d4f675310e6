// What the page says, in Spanish and in English.
import { TimelineKind } from "./gen/relevo/query/v1/thread_pb.js";
import { PauseReason } from "./gen/relevo/query/v1/words_pb.js";

const es = {
  title: "Bandeja de Relevo",
  signIn: "Entrar como",
  signOut: "Salir",
  mine: "Mías",
  unassigned: "No asignadas",
  all: "Todas",
  empty: "No hay conversaciones",
  choose: "Elija una conversación",
  pause: "Pausar bot",
  resume: "Reactivar bot",
  reason: "Motivo",
  note: "Nota (opcional)",
  active: "Activa",
  paused: "Pausada",
  live: "En vivo",
  away: "Sin conexión; reintentando",
  by: "por",
  unread: "sin leer",
  attachment: "adjunto",
  nobody: "Sin asignar",
  write: "Escriba al cliente",
  send: "Enviar",
  quickReply: "Respuesta rápida…",
};

const en: typeof es = {
  title: "Relevo inbox",
  signIn: "Sign in as",
  signOut: "Sign out",
  mine: "Mine",
  unassigned: "Unassigned",
  all: "All",
  empty: "No conversations",
  choose: "Choose a conversation",
  pause: "Pause bot",
  resume: "Resume bot",
  reason: "Reason",
  note: "Note (optional)",
  active: "Active",
  paused: "Paused",
  live: "Live",
  away: "Disconnected; trying again",
  by: "by",
  unread: "unread",
  attachment: "attachment",
  nobody: "Unassigned",
  write: "Write to the customer",
  send: "Send",
  quickReply: "Quick reply…",
};

/** The reasons that a person may give. */
export const reasons: [PauseReason, es: string, en: string][] = [
  [PauseReason.COMPLEX_QUERY, "Consulta compleja", "Complex query"],
  [PauseReason.FRUSTRATED_CUSTOMER, "Cliente frustrado", "Frustrated customer"],
  [PauseReason.COMPLAINT, "Queja o situación delicada", "Complaint"],
  [PauseReason.BOT_ERROR, "Error técnico del bot", "Bot error"],
  [PauseReason.PROACTIVE_MESSAGE, "Mensaje proactivo", "Proactive message"],
  [PauseReason.OTHER, "Otro", "Other"],
];

/** What a line of the thread says that is no message. */
const happened: Partial<Record<TimelineKind, [es: string, en: string]>> = {
  [TimelineKind.EPISODE_STARTED]: ["Comienza un episodio", "An episode starts"],
  [TimelineKind.BOT_PAUSED]: ["Bot pausado", "Bot paused"],
  [TimelineKind.BOT_RESUMED]: ["Bot reactivado", "Bot resumed"],
  [TimelineKind.ASSIGNED]: ["Asignada", "Assigned"],
  [TimelineKind.RESOLVED]: ["Resuelta", "Resolved"],
  [TimelineKind.REOPENED]: ["Reabierta", "Reopened"],
  [TimelineKind.MARKED_PENDING]: ["Pendiente", "Pending"],
  [TimelineKind.SNOOZED]: ["Pospuesta", "Snoozed"],
  [TimelineKind.RETURNED_TO_OPEN]: ["Abierta de nuevo", "Open again"],
  [TimelineKind.TAG_ADDED]: ["Etiqueta agregada", "Tag added"],
  [TimelineKind.TAG_REMOVED]: ["Etiqueta quitada", "Tag removed"],
  [TimelineKind.PRIORITY_SET]: ["Prioridad cambiada", "Priority set"],
  [TimelineKind.MARKED_READ]: ["Leída", "Read"],
};

/** A kind that is newer than this page has its name. */
export function happenedOf(kind: TimelineKind, language: Language): string {
  const known = happened[kind];
  if (known) return language === "es" ? known[0] : known[1];
  return TimelineKind[kind]?.toLowerCase().replaceAll("_", " ") ?? "";
}

export type Words = typeof es;
export type Language = "es" | "en";

export function wordsOf(language: Language): Words {
  return language === "es" ? es : en;
}

export function reasonOf(reason: PauseReason, language: Language): string {
  const known = reasons.find(([value]) => value === reason);
  if (known) return language === "es" ? known[1] : known[2];
  return PauseReason[reason]?.toLowerCase().replaceAll("_", " ") ?? "";
}
