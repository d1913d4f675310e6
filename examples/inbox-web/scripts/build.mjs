// Bundles the page for browsers and the server for node into dist/.
import { build } from "esbuild";
import { cpSync } from "node:fs";

await build({
  entryPoints: ["src/page.ts"],
  outfile: "dist/public/page.js",
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  sourcemap: true,
});
await build({
  entryPoints: ["src/server.ts"],
  outfile: "dist/server.js",
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
});
cpSync("public", "dist/public", { recursive: true });
