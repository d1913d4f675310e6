// The token of the person at the page: fetched from this page's own server, renewed before it ends, fetched again when it has ended.
import { createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { AuthService } from "./gen/relevo/auth/v1/auth_pb.js";

/** A token is renewed when this part of its life is over. */
const RENEW_AFTER = 2 / 3;

interface Token {
  token: string;
  validUntil: number;
  renewableUntil: number;
}

export class Session {
  readonly transport: Transport;
  /** How often a token was fetched from the page's server after the first one. */
  signedInAgain = 0;
  private current: Token | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private fetching: Promise<void> | undefined;

  /** `renew: false` lets tokens end, to see what happens then. */
  constructor(
    relevo: string,
    readonly agent: string,
    private readonly language: string,
    private readonly renew = true,
  ) {
    const withToken: Interceptor = (next) => (request) => {
      request.header.set("authorization", `Bearer ${this.token}`);
      request.header.set("accept-language", this.language);
      return next(request);
    };
    this.transport = createGrpcWebTransport({ baseUrl: relevo, interceptors: [withToken] });
  }

  async signIn(): Promise<void> {
    const answer = await fetch("/session", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ agent: this.agent }),
    });
    if (!answer.ok) throw new Error(`session: ${answer.status}`);
    this.keep((await answer.json()) as Token);
  }

  /** The token in use, to be named when it turns out to have ended. */
  get token(): string {
    return this.current?.token ?? "";
  }

  /** A good token after `ended` has ended: the one that it was renewed to, or a new one. Several that ask at once get the same. */
  async after(ended: string): Promise<void> {
    if (this.token === ended) await this.again();
  }

  private again(): Promise<void> {
    this.fetching ??= this.signIn()
      .then(() => void this.signedInAgain++)
      .finally(() => (this.fetching = undefined));
    return this.fetching;
  }

  end(): void {
    clearTimeout(this.timer);
    this.current = undefined;
  }

  private keep(token: Token): void {
    this.current = token;
    clearTimeout(this.timer);
    if (this.renew) this.timer = setTimeout(() => void this.prolong(), (token.validUntil - Date.now()) * RENEW_AFTER);
  }

  private async prolong(): Promise<void> {
    try {
      const renewed = await createClient(AuthService, this.transport).renewToken({}, { timeoutMs: 5_000 });
      const validUntil = renewed.validUntil ? timestampMs(renewed.validUntil) : 0;
      const renewableUntil = renewed.renewableUntil ? timestampMs(renewed.renewableUntil) : 0;
      // Near the end of the session it lives no longer: the server decides whether there is another one.
      if (validUntil >= renewableUntil) await this.again();
      else this.keep({ token: renewed.token, validUntil, renewableUntil });
    } catch {
      // What comes next meets TOKEN_EXPIRED or the same broken connection, and deals with it.
    }
  }
}
