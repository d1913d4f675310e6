// Generates src/gen from Relevo's protos with protoc and protoc-gen-es, offline. protoc is the one on PATH, or the one inside of
// Python's grpcio-tools, which `make setup` installs.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const protos = path.resolve(here, "../../proto");
const out = path.join(here, "src/gen");
const packages = ["relevo/auth/v1", "relevo/command/v1", "relevo/query/v1"];

function protoc() {
  const tools = process.env.RELEVO_TOOLS ?? path.join(homedir(), ".cache/relevo/tools");
  const python = path.join(tools, "python/bin/python");
  if (existsSync(python)) return [python, "-m", "grpc_tools.protoc"];
  return ["protoc"];
}

const files = packages.flatMap((name) =>
  readdirSync(path.join(protos, name)).filter((file) => file.endsWith(".proto")).map((file) => `${name}/${file}`),
);
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const [command, ...first] = protoc();
execFileSync(
  command,
  [
    ...first,
    `-I${protos}`,
    `-I${path.join(here, "proto")}`,
    `--plugin=protoc-gen-es=${path.join(here, "node_modules/.bin/protoc-gen-es")}`,
    `--es_out=${out}`,
    "--es_opt=target=ts,import_extension=js",
    ...files,
    // What the others import.
    "google/api/annotations.proto",
    "google/api/http.proto",
    "google/rpc/error_details.proto",
  ],
  { stdio: "inherit" },
);
