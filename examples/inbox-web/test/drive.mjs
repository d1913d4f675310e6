// Drives the page in headless Chromium against a demo broker, and ends with `web: N checks, 0 failed`.
//
// RELEVO_SERVER and RELEVO_HTTP say where the broker is. PORTS names three free ports: pages of the first two are allowed by the
// broker's `server.cors_origins`, pages of the third are not. scripts/examples.sh arranges all of that.
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const here = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const { RELEVO_SERVER, RELEVO_HTTP, PORTS } = process.env;
const [allowedPort, shortPort, otherPort] = PORTS.split(",").map(Number);
/** Whatever is waited for happens within this time, on a busy machine too. */
const WITHIN = 30_000;
/** Life of the tokens of the second page, in seconds. */
const SHORT_SECONDS = 4;

let count = 0;
const failed = [];
async function check(what, probe) {
  count++;
  try {
    await probe();
    console.log(`ok   ${what}`);
  } catch (error) {
    failed.push(what);
    console.log(`FAIL ${what}: ${String(error).split("\n").slice(0, 12).join(" | ")}`);
  }
}

function equal(seen, wanted) {
  if (seen !== wanted) throw new Error(`${JSON.stringify(seen)} instead of ${JSON.stringify(wanted)}`);
}

function browserPath() {
  const known = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
  const found = known.find((file) => file && existsSync(file));
  if (!found) throw new Error("no Chromium: `make setup-web` installs it, or name one in CHROMIUM");
  return found;
}

/** The page's own server. Resolves when it listens. */
function serve(port, tokenSeconds) {
  const env = { ...process.env, PORT: String(port), RELEVO_SERVER, TOKEN_SECONDS: String(tokenSeconds) };
  const child = spawn(process.execPath, [path.join(here, "dist/server.js")], { env, stdio: ["ignore", "pipe", "inherit"] });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`server ended: ${code}`)));
    child.stdout.once("data", () => resolve(child));
  });
}

/** What a customer writes, signed as Meta signs it. `to`: id of the business's number. */
async function customerWrites(number, name, text, to = "106540352242922") {
  const value = {
    messaging_product: "whatsapp",
    metadata: { display_phone_number: "15550783881", phone_number_id: to },
    contacts: [{ profile: { name }, wa_id: number }],
    messages: [
      { from: number, id: `wamid.${process.hrtime.bigint()}`, timestamp: String(Math.floor(Date.now() / 1000)), type: "text", text: { body: text } },
    ],
  };
  const body = JSON.stringify({
    object: "whatsapp_business_account",
    entry: [{ id: "102290129340398", changes: [{ field: "messages", value }] }],
  });
  const signature = createHmac("sha256", "relevo-demo-app-secret").update(body).digest("hex");
  const headers = { "content-type": "application/json", "x-hub-signature-256": `sha256=${signature}` };
  const answer = await fetch(`${RELEVO_HTTP}/webhooks/meta/demo`, { method: "POST", headers, body });
  equal(answer.status, 200);
}

const row = (page, name) => page.locator(".row", { hasText: name });
const visible = (locator) => locator.first().waitFor({ state: "visible", timeout: WITHIN });

/** A browser of its own for somebody: no storage, no connection is shared with the others. */
async function open(browser, port, query) {
  const context = await browser.newContext({ locale: "es-AR" });
  const page = await context.newPage();
  page.setDefaultTimeout(WITHIN);
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (line) => line.type() === "error" && errors.push(line.text()));
  await page.goto(`http://127.0.0.1:${port}/${query}`);
  // A reload would lose it.
  await page.evaluate(() => (window.sameDocument = true));
  return { page, errors };
}

async function signedIn(browser) {
  const { page, errors } = await open(browser, allowedPort, "");
  await check("the page's code does not hold the service key", async () => {
    const code = readFileSync(path.join(here, "dist/public/page.js"), "utf8");
    equal(code.includes("relevo-demo-service"), false);
  });
  await check("somebody signs in and the list is live", async () => {
    await page.selectOption("#agent", "laura");
    await page.click("#sign-in");
    await visible(page.locator('#state[data-state="live"]'));
    await visible(page.locator(".row"));
  });
  await check("the tabs count what they list", async () => {
    for (const tab of ["unassigned", "all", "mine"]) {
      await page.click(`[data-tab="${tab}"]`);
      await visible(page.locator(`[data-tab="${tab}"][aria-pressed="true"] b:not(:empty)`));
      const number = Number(await page.locator(`[data-tab="${tab}"] b`).innerText());
      await page.waitForFunction((rows) => document.querySelectorAll(".row").length === rows, Math.min(number, 50));
    }
    await page.click('[data-tab="all"]');
    await visible(page.locator(".row"));
  });
  return { page, errors };
}

async function desk(browser, page) {
  await customerWrites("5491155558801", "Olga Ríos", "Hola, ¿me ayudan?");
  await check("a new conversation appears without a reload", async () => {
    await visible(row(page, "Olga Ríos"));
    equal(await page.evaluate(() => window.sameDocument), true);
  });
  await check("it is the first of the list, and its bot is active and green", async () => {
    equal((await page.locator(".row .who").first().innerText()).startsWith("Olga Ríos"), true);
    const badge = row(page, "Olga Ríos").locator(".badge");
    equal(await badge.innerText(), "Activa");
    equal(await badge.evaluate((element) => getComputedStyle(element).backgroundColor), "rgb(27, 127, 59)");
  });
  await check("its thread opens", async () => {
    await row(page, "Olga Ríos").click();
    await visible(page.locator("#entries li.theirs", { hasText: "Hola, ¿me ayudan?" }));
  });
  const { page: other } = await open(browser, allowedPort, "?agent=carla&lang=en");
  await check("a colleague's browser shows the same, in English", async () => {
    await visible(row(other, "Olga Ríos"));
    await row(other, "Olga Ríos").click();
    await visible(other.locator("#pause", { hasText: "Pause bot" }));
  });
  await check("each sees that the other is looking", async () => {
    await visible(page.locator("#people", { hasText: "Carla" }));
    await visible(other.locator("#people", { hasText: "Laura" }));
  });
  await check("a pause with reason and note is visible, and orange", async () => {
    await page.selectOption("#reason", { label: "Queja o situación delicada" });
    await page.fill("#note", "la llamo yo");
    await page.click("#pause");
    await visible(page.locator('#head[data-bot="paused"]'));
    const badge = page.locator("#head .badge");
    equal(await badge.innerText(), "Pausada");
    equal(await badge.evaluate((element) => getComputedStyle(element).backgroundColor), "rgb(184, 92, 0)");
    await visible(page.locator("#entries li.timeline", { hasText: "Bot pausado · Queja o situación delicada · Laura · la llamo yo" }));
    equal(await page.locator("#why").innerText(), "Queja o situación delicada · por Laura · la llamo yo");
  });
  await check("the colleague sees the pause in list and thread, without a reload", async () => {
    await visible(other.locator('.row[data-bot="paused"]', { hasText: "Olga Ríos" }));
    await visible(other.locator("#why", { hasText: "Complaint · by Laura · la llamo yo" }));
    equal(await other.evaluate(() => window.sameDocument), true);
  });
  await customerWrites("5491155558801", "Olga Ríos", "¿Siguen ahí?");
  await check("what the customer writes meanwhile appears in both threads", async () => {
    for (const one of [page, other]) await visible(one.locator("#entries li.theirs", { hasText: "¿Siguen ahí?" }));
  });
  await check("the colleague resumes and the first browser sees it", async () => {
    await other.click("#resume");
    await visible(page.locator('#head[data-bot="active"]'));
    await visible(page.locator('.row[data-bot="active"]', { hasText: "Olga Ríos" }));
  });
}

/** On the channel of examples/stand-in, which sends. */
async function answers(browser, page) {
  await customerWrites("5491155558810", "Inés Prado", "¿A qué hora abren?", "106540352242999");
  await check("a text goes out, and its ticks arrive without a reload", async () => {
    await row(page, "Inés Prado").click();
    await visible(page.locator("#entries li.theirs", { hasText: "¿A qué hora abren?" }));
    await page.fill("#text", "Abrimos a las 9.");
    await page.click("#send");
    const sent = page.locator("#entries li.ours", { hasText: "Abrimos a las 9." });
    await visible(sent.locator('.tick[data-state="read"]', { hasText: "✓✓" }));
    equal(await page.inputValue("#text"), "");
  });
  await check("a quick reply is filled in", async () => {
    await page.selectOption("#quick", { label: "Saludo" });
    await visible(page.locator("#entries li.ours", { hasText: "Hola Inés Prado, soy Laura." }));
  });
  await check("a message that cannot be delivered says why", async () => {
    await customerWrites("5491155550000", "Eva Luna", "Hola", "106540352242999");
    await row(page, "Eva Luna").click();
    await visible(page.locator("#head h2", { hasText: "Eva Luna" }));
    await page.fill("#text", "¿Nos lee?");
    await page.click("#send");
    await visible(page.locator("#entries li.ours .trouble", { hasText: "131026" }));
  });
  await check("what the channel cannot send is refused, and the text stays", async () => {
    await row(page, "Olga Ríos").click();
    await visible(page.locator("#head h2", { hasText: "Olga Ríos" }));
    await page.fill("#text", "Ya la llamo.");
    await page.click("#send");
    await visible(page.locator('#problem[data-code="CHANNEL_CANNOT_SEND"]'));
    equal(await page.inputValue("#text"), "Ya la llamo.");
  });
}

async function strangers(browser) {
  await check("a page of another origin is refused by the browser", async () => {
    const { page, errors } = await open(browser, otherPort, "?agent=laura");
    await visible(page.locator('#state[data-state="away"]'));
    equal(await page.locator(".row").count(), 0);
    equal(errors.some((text) => text.includes("CORS policy")), true);
    const outcome = await page.evaluate(
      (url) =>
        fetch(`${url}/relevo.query.v1.InboxService/GetCounters`, {
          method: "POST",
          headers: { "content-type": "application/grpc-web+proto", "x-grpc-web": "1" },
        }).then(
          () => "answered",
          () => "refused",
        ),
      RELEVO_SERVER,
    );
    equal(outcome, "refused");
  });
}

async function tokens(browser) {
  await check("a token that ends is replaced, and the watch goes on where it was", async () => {
    const { page } = await open(browser, shortPort, "?agent=laura&renew=off");
    await visible(page.locator('#state[data-state="live"]'));
    await page.waitForFunction(() => Number(document.querySelector("#state").dataset.again) >= 2);
    await customerWrites("5491155558802", "Hugo Sosa", "Después del vencimiento");
    await visible(page.locator(".row", { hasText: "Después del vencimiento" }));
    equal(await page.evaluate(() => window.sameDocument), true);
    equal(await page.locator("#problem").innerText(), "");
    await page.context().close();
  });
  await check("a command after the end of a token is applied with the next one", async () => {
    const { page } = await open(browser, shortPort, "?agent=laura&renew=off");
    await row(page, "Hugo Sosa").click();
    await visible(page.locator("#pause"));
    await page.waitForFunction(() => Number(document.querySelector("#state").dataset.again) >= 1);
    await page.click("#pause");
    await visible(page.locator('#head[data-bot="paused"]'));
    await page.context().close();
  });
  await check("a token that is renewed in time needs no second sign-in", async () => {
    const { page } = await open(browser, shortPort, "?agent=martin");
    const renewals = [];
    page.on("request", (request) => request.url().endsWith("/RenewToken") && renewals.push(Date.now()));
    const begun = Date.now();
    await page.waitForFunction((until) => Date.now() > until, begun + (SHORT_SECONDS + 2) * 1000);
    await customerWrites("5491155558803", "Rita Luna", "Con el token renovado");
    await visible(page.locator(".row", { hasText: "Con el token renovado" }));
    equal(renewals.length >= 1, true);
    equal(await page.locator("#state").getAttribute("data-again"), "0");
  });
}

async function main() {
  const servers = await Promise.all([serve(allowedPort, 0), serve(shortPort, SHORT_SECONDS), serve(otherPort, 0)]);
  // Chromium's own sandbox needs what containers do not give; the pages are ours.
  const browser = await chromium.launch({ executablePath: browserPath(), args: ["--no-sandbox", "--disable-dev-shm-usage"] });
  try {
    const { page, errors } = await signedIn(browser);
    await desk(browser, page);
    await answers(browser, page);
    await strangers(browser);
    await tokens(browser);
    await check("nothing was complained about in the console", async () => equal(errors.join("; "), ""));
  } finally {
    await browser.close();
    for (const server of servers) {
      server.removeAllListeners("exit");
      server.kill();
    }
  }
}

await check("the drive reached its end", main);
console.log(`web: ${count} checks, ${failed.length} failed`);
process.exitCode = failed.length > 0 ? 1 : 0;
