// What an error of Relevo says: its code, what it is about, whether to repeat, and a text for the person.
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema, LocalizedMessageSchema } from "./gen/google/rpc/error_details_pb.js";

export interface Problem {
  /** Relevo's code, or the transport's if the answer is not Relevo's (a proxy, a broken connection). */
  code: string;
  text: string;
  retryable: boolean;
  /** A command may have been applied, or not: repeat it with the same command id. */
  unknown: boolean;
  /** Ids; at the end of a watch `position`. */
  metadata: Record<string, string>;
}

export function problemOf(reason: unknown): Problem {
  const error = ConnectError.from(reason);
  const info = error.findDetails(ErrorInfoSchema).find((detail) => detail.domain === "relevo");
  const localized = error.findDetails(LocalizedMessageSchema)[0];
  if (!info) {
    const transport = error.code === Code.Unavailable || error.code === Code.Unknown || error.code === Code.Internal;
    return { code: Code[error.code], text: error.rawMessage, retryable: transport, unknown: transport, metadata: {} };
  }
  return {
    code: info.reason,
    text: localized?.message ?? error.rawMessage,
    retryable: info.metadata["retryable"] === "true",
    unknown: info.metadata["outcome"] === "unknown",
    metadata: info.metadata,
  };
}
