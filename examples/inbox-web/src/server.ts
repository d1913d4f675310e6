// The small server part that every frontend has: it serves the page, knows who its user is, and turns that into a token of Relevo.
//
// It alone holds the service key. Here "who is it" is a menu of the demo's agents; in your frontend it is your own session.
import { createReadStream } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { AuthService } from "./gen/relevo/auth/v1/auth_pb.js";

const relevo = process.env.RELEVO_SERVER ?? "http://127.0.0.1:8481";
const serviceKey = process.env.RELEVO_SERVICE_KEY ?? "relevo-demo-service";
const port = Number(process.env.PORT ?? 8490);
/** Seconds that a token lives; 0 is what Relevo allows at most. A small number shows what a page does when it ends. */
const tokenSeconds = Number(process.env.TOKEN_SECONDS ?? 0);
/** Who may sign in here. */
const agents = ["laura", "martin", "sofia", "carla"];

const files: Record<string, [name: string, type: string]> = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/page.js": ["page.js", "text/javascript; charset=utf-8"],
  "/style.css": ["style.css", "text/css; charset=utf-8"],
};
const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), "public");
/** Bytes of a request body: it holds a name. */
const bodyBytesMax = 1024;

// Node has fetch, so the same transport works on both sides. A Go, Java or Python server would speak plain gRPC.
const auth = createClient(AuthService, createGrpcWebTransport({ baseUrl: relevo }));

async function mint(agentId: string) {
  const minted = await auth.mintToken(
    { agentId, ttlSeconds: tokenSeconds },
    { headers: { authorization: `Bearer ${serviceKey}` }, timeoutMs: 5_000 },
  );
  return {
    token: minted.token,
    validUntil: minted.validUntil ? timestampMs(minted.validUntil) : 0,
    renewableUntil: minted.renewableUntil ? timestampMs(minted.renewableUntil) : 0,
    name: minted.identity?.name ?? agentId,
    role: minted.identity?.role ?? "",
  };
}

async function body(request: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const chunk of request) {
    text += chunk;
    if (text.length > bodyBytesMax) throw new Error("too large");
  }
  return JSON.parse(text);
}

function json(response: ServerResponse, status: number, value: unknown) {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(value));
}

async function session(request: IncomingMessage, response: ServerResponse) {
  let agent: unknown;
  try {
    // Only pages of this server can send this content type without being asked for permission first.
    if (request.headers["content-type"] !== "application/json") throw new Error("not JSON");
    agent = ((await body(request)) as { agent?: unknown }).agent;
  } catch {
    return json(response, 400, { error: "an agent is needed" });
  }
  // Your own check stands here: who is signed in, and which agent of Relevo that is.
  if (typeof agent !== "string" || !agents.includes(agent)) return json(response, 403, { error: "not one of ours" });
  try {
    json(response, 200, await mint(agent));
  } catch (error) {
    const { code, rawMessage } = ConnectError.from(error);
    console.error(`no token: ${Code[code]}: ${rawMessage}`);
    json(response, 502, { error: "Relevo gives no token" });
  }
}

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? "/", "http://page");
  const file = files[pathname];
  if (request.method === "POST" && pathname === "/session") {
    session(request, response).catch(() => response.destroy());
  } else if (request.method === "GET" && pathname === "/config") {
    json(response, 200, { relevo, agents });
  } else if (request.method === "GET" && file) {
    response.writeHead(200, { "content-type": file[1] });
    createReadStream(path.join(folder, file[0])).pipe(response);
  } else {
    json(response, 404, { error: "not found" });
  }
});

server.listen(port, "127.0.0.1", () => {
  const address = server.address();
  const bound = typeof address === "object" && address ? address.port : port;
  console.log(`inbox: http://127.0.0.1:${bound}`);
});
