// Follows a watch for as long as somebody looks: resumes from the last position after whatever ended the stream.
import { problemOf, type Problem } from "./problem.js";
import type { Session } from "./session.js";

/** Relevo sends at least a heartbeat about every 15 s; a stream that is silent for longer than this is dead. */
const SILENCE_MS_MAX = 45_000;
/** Waits between attempts double up to this. */
const BACKOFF_MS_MAX = 15_000;

export interface Watched {
  position: string;
}

export async function follow<M extends Watched>(
  session: Session,
  open: (fromPosition: string, signal: AbortSignal) => AsyncIterable<M>,
  show: (message: M) => void,
  state: (state: "live" | "away", problem?: Problem) => void,
  signal: AbortSignal,
): Promise<void> {
  let position = "";
  let failures = 0;
  while (!signal.aborted) {
    const token = session.token;
    const attempt = new AbortController();
    const stop = () => attempt.abort();
    signal.addEventListener("abort", stop, { once: true });
    let silence = setTimeout(stop, SILENCE_MS_MAX);
    try {
      for await (const message of open(position, attempt.signal)) {
        clearTimeout(silence);
        silence = setTimeout(stop, SILENCE_MS_MAX);
        show(message);
        position = message.position;
        failures = 0;
        state("live");
      }
    } catch (reason) {
      if (signal.aborted) return;
      const problem = problemOf(reason);
      if (problem.metadata["position"]) position = problem.metadata["position"];
      if (problem.code === "TOKEN_EXPIRED") {
        try {
          await session.after(token);
          continue;
        } catch {
          // The page's own server is away: wait as for any other failure.
        }
      } else if (!problem.retryable && !attempt.signal.aborted) {
        state("away", problem);
        return;
      }
      state("away", problem);
    } finally {
      clearTimeout(silence);
      signal.removeEventListener("abort", stop);
    }
    await new Promise((done) => setTimeout(done, Math.min(500 * 2 ** failures++, BACKOFF_MS_MAX)));
  }
}
