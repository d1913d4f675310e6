// One command, several attempts. They all carry the command id that was chosen before the first one, so it is never done twice.
import { problemOf } from "./problem.js";
import type { Session } from "./session.js";

const ATTEMPTS_MAX = 3;
const PAUSE_MS = 500;

/** Repeats what may be repeated, and gets another token for one that has ended. */
export async function untilKnown<T>(session: Session, attempt: () => Promise<T>): Promise<T> {
  for (let count = 1; ; count++) {
    const token = session.token;
    try {
      return await attempt();
    } catch (error) {
      const problem = problemOf(error);
      if (count >= ATTEMPTS_MAX) throw error;
      if (problem.code === "TOKEN_EXPIRED") await session.after(token);
      else if (problem.retryable) await new Promise((done) => setTimeout(done, PAUSE_MS * count));
      else throw error;
    }
  }
}
