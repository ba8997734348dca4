// The page as people use it. The tests share one exchange and go on from each other in order.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, describe, test } from "node:test";

import { chromium } from "playwright-core";

import { startExchange } from "./exchange.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const DESK = { width: 1440, height: 900 };
const TABLET = { width: 1024, height: 768 };
const PHONE = { width: 360, height: 740 };
const PAGES = ["trade", "proofs", "account", "health"];

let exchange;
let browser;
/** What pages did that they must not do. */
const faults = [];

before(async () => {
  exchange = await startExchange();
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, headless: true, args: FLAGS });
});

after(async () => {
  await browser?.close();
  await exchange?.stop();
});

/** A page with a key, or without. */
async function open({ path = "trade", viewport = DESK, colorScheme = "light", key = true, reducedMotion = "no-preference", prepare } = {}) {
  const context = await browser.newContext({ viewport, colorScheme, reducedMotion });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  // The server of the shards, and a node of the chain, which the exchange names.
  const others = await fetch(`${exchange.url}/api/glassbook/v1/exchange`)
    .then((reply) => reply.json())
    .then((of) => [of.dataAvailability?.url, of.l1Url].filter(Boolean))
    .catch(() => []);
  page.on("request", (request) => {
    const url = request.url();
    if (!/^(blob|data):/.test(url) && !url.startsWith(exchange.url) && !others.some((other) => url.startsWith(other))) faults.push(`asked ${url}`);
  });
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("console", (message) => {
    // What the policy forbids, the browser says in the console; those others may be forbidden ground.
    const forbidden = /Refused to|Content Security Policy/.test(message.text());
    if (forbidden && !others.some((other) => message.text().includes(other))) faults.push(message.text());
  });
  const link = key ? `#/account?key=${encodeURIComponent(exchange.key)}&secret=${encodeURIComponent(exchange.secret)}` : "";
  await prepare?.(page);
  await page.goto(`${exchange.url}/${link}`);
  await page.locator("nav").waitFor();
  if (key) await page.getByText("Orders are signed by").waitFor();
  await page.evaluate((path) => (location.hash = `#/${path}`), path);
  return page;
}

/** The best prices that the page shows: highest buyer, lowest seller. */
async function best(page) {
  await page.waitForFunction(() => document.querySelector('.levels[aria-busy="false"] .bids .level > span')?.textContent);
  return page.evaluate(() => {
    const first = (side) => document.querySelector(`.${side} .level > span`).textContent.replaceAll(",", "");
    return { bid: Number(first("bids")), ask: Number(first("asks")) };
  });
}

const tab = (page, name) => page.getByRole("tab", { name }).click();

describe("trading", () => {
  let page;
  before(async () => {
    page = await open();
  });
  after(() => page.context().close());

  test("book, candles and trades are alive", async () => {
    const { bid, ask } = await best(page);
    assert.ok(bid > 0 && ask > bid, `${bid} ${ask}`);
    await page.locator(".trade-row:not([hidden])").first().waitFor();
    const shown = () => page.locator(".levels").innerText();
    const earlier = await shown();
    await assert.doesNotReject(page.waitForFunction((earlier) => document.querySelector(".levels").innerText !== earlier, earlier));
    const drawn = await page.evaluate(() => [...document.querySelectorAll(".chart canvas")].some((canvas) => canvas.width > 100));
    assert.ok(drawn);
  });

  test("a limit order rests and is cancelled", async () => {
    const { bid } = await best(page);
    await page.keyboard.press("l");
    await page.getByLabel("Price", { exact: true }).fill(String(Math.floor(bid * 0.97)));
    await page.keyboard.press("Escape");
    await page.keyboard.press("b");
    await page.keyboard.type("0.01");
    await page.keyboard.press("Enter");
    await page.getByText(/rests on the book/).first().waitFor();
    const row = page.locator(".own tbody tr").first();
    await row.getByRole("button", { name: /Cancel order/ }).click();
    await page.getByText(/is cancelled/).first().waitFor();
    await page.getByText("No open orders.").waitFor();
  });

  test("choosing a side sends nothing, and Enter sends the side that is chosen", async () => {
    const sent = [];
    const listen = (request) => request.method() === "POST" && sent.push(request.url());
    page.on("request", listen);
    const { bid } = await best(page);
    await page.keyboard.press("Escape");
    await page.keyboard.press("l");
    await page.getByLabel("Price", { exact: true }).fill(String(Math.ceil(bid * 1.04)));
    await page.getByLabel("Quantity", { exact: true }).fill("0.01");
    for (const side of ["Buy", "Sell"]) await page.getByRole("radio", { name: side }).click();
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowRight");
    await page.waitForTimeout(300);
    assert.deepEqual(sent, []);
    await page.getByLabel("Quantity", { exact: true }).press("Enter");
    await page.getByText(/rests on the book/).first().waitFor();
    assert.match(sent.join(), /^[^,]*side=SELL[^,]*$/, "one order, and it sells");
    // Rows stay while others come: a click on one must not be lost.
    const row = await page.locator(".own tbody tr").first().elementHandle();
    await page.getByLabel("Quantity", { exact: true }).press("Enter");
    await page.locator(".own tbody tr").nth(1).waitFor();
    assert.ok(await row.evaluate((element) => element.isConnected));
    await page.keyboard.press("Escape");
    await page.keyboard.press("x");
    await page.getByText("No open orders.").waitFor();
    page.off("request", listen);
  });

  test("what is no amount is not sent, and the page says what to write", async () => {
    const sent = [];
    const listen = (request) => request.method() === "POST" && sent.push(request.url());
    page.on("request", listen);
    const quantity = page.getByLabel("Quantity", { exact: true });
    for (const [text, words] of [
      ["", /Enter a quantity/],
      ["abc", /Not a number/],
      ["1e3", /Not a number/],
      ["0,01", /decimals with a point/],
      ["-1", /More than zero/],
      ["0.0000001", /A multiple of/],
      ["9".repeat(40), /At most/],
    ]) {
      await quantity.fill(text);
      await page.locator(".place").click();
      await page.locator(".field .hint.wrong:not([hidden])", { hasText: words }).waitFor();
      assert.equal(await quantity.getAttribute("aria-invalid"), "true");
    }
    await quantity.fill("49");
    await page.locator(".entry .hint.wrong", { hasText: /available/ }).waitFor();
    assert.deepEqual(sent, []);
    page.off("request", listen);
  });

  test("what the exchange refuses comes with a reason and a remedy", async () => {
    await page.keyboard.press("l");
    await page.getByLabel("Quantity", { exact: true }).fill("0.00001");
    await page.locator(".place").click();
    await page.getByText(/A multiple of/).waitFor();
    await page.getByLabel("Quantity", { exact: true }).fill("49");
    await page.locator(".place").click();
    await page.locator('.toast[data-tone="bad"]').first().waitFor();
    await page.getByLabel("Quantity", { exact: true }).fill("");
  });

  test("a market order fills, and its receipt is checked by a click", async () => {
    await page.keyboard.press("Escape");
    await page.locator('[data-kind="market"]').click();
    await page.getByLabel("Quantity", { exact: true }).fill("0.01");
    await page.locator(".place").click();
    await page.locator(".toast .more", { hasText: "filled" }).first().waitFor();
    await tab(page, /Fills/);
    const fill = page.locator(".own tbody tr").first();
    await fill.getByRole("button", { name: /Receipt/ }).click();
    await page.getByText("The receipt holds: checked in this page.").waitFor({ timeout: 60_000 });
    assert.match(await page.locator("dialog .checks").first().innerText(), /Trade: 0\.01 /);
    assert.ok((await page.locator("dialog svg.path circle").count()) > 3);
    await check(page, "receipt");
    await page.screenshot({ path: "results/receipt.png" });
    await page.getByRole("link", { name: "verify the batch" }).click();
    await page.locator("dialog").waitFor({ state: "detached" });
    await page.getByRole("heading", { name: /^Batch \d+$/ }).waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("t");
  });

  test("a stop waits for its trigger", async () => {
    const { bid } = await best(page);
    await page.locator('[data-kind="stop"]').click();
    await page.getByRole("radio", { name: "Sell" }).click();
    await page.getByLabel("Trigger price").fill(String(Math.floor(bid * 0.95)));
    await page.getByLabel(/Limit price/).fill(String(Math.floor(bid * 0.94)));
    await page.getByLabel("Quantity", { exact: true }).fill("0.01");
    await page.getByText(/Stop-loss: waits until the last price falls/).waitFor();
    await page.locator(".place").click();
    await page.getByText(/waits for its trigger/).first().waitFor();
    await tab(page, /Open orders/);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Cancel all" }).click();
    await page.getByText("No open orders.").waitFor();
  });

  test("the batch of the fill becomes final", async (context) => {
    const { contract } = await fetch(`${exchange.url}/api/glassbook/v1/exchange`).then((reply) => reply.json());
    const settled = await fetch(`${exchange.url}/api/glassbook/v1/batches?from=1&limit=50`)
      .then((reply) => reply.text())
      .then((text) => /"(committing|committed|final)"/.test(text));
    if (!contract || !settled) return context.skip("this exchange settles nowhere");
    await tab(page, /Fills/);
    await page.locator(".own tbody tr").first().filter({ hasText: "final" }).waitFor({ timeout: 120_000 });
  });
});

describe("a bad line", () => {
  test("a lost change of the book is noticed, and a cut connection is made again", async () => {
    const line = { lose: 0, lost: 0, connections: [] };
    let snapshots = 0;
    const page = await open({
      key: false,
      prepare: async (page) => {
        page.on("request", (request) => (snapshots += Number(request.url().includes("/api/v3/depth"))));
        await page.routeWebSocket(/\/stream$/, (here) => {
          const there = here.connectToServer();
          line.connections.push({ here, there });
          there.onMessage((message) => {
            if (line.lose > 0 && String(message).includes("depthUpdate")) {
              line.lose--;
              line.lost++;
            } else here.send(message);
          });
        });
      },
    });
    await best(page);
    const until = async (what, done) => {
      for (let tries = 0; !done(); tries++) {
        assert.ok(tries < 200, what);
        await page.waitForTimeout(100);
      }
    };
    let earlier = snapshots;
    line.lose = 2;
    await until("nothing was lost", () => line.lost === 2);
    await until("no new snapshot after a gap", () => snapshots > earlier);
    await best(page);
    earlier = snapshots;
    const before = line.connections.length;
    const { here, there } = line.connections.at(-1);
    await here.close();
    await there.close();
    await until("no new connection", () => line.connections.length > before);
    await until("no new snapshot after the cut", () => snapshots > earlier);
    await best(page);
    await page.context().close();
  });
});

describe("an exchange that goes away", () => {
  test("the page says so, shows what is old as old, and goes on by itself", async () => {
    const line = { up: true, connections: [] };
    const page = await open({
      key: false,
      prepare: (page) =>
        page.routeWebSocket(/\/stream$/, (here) => {
          if (!line.up) return here.close();
          const there = here.connectToServer();
          line.connections.push({ here, there });
        }),
    });
    await best(page);
    line.up = false;
    for (const { here, there } of line.connections) await Promise.all([here.close(), there.close()]);
    await page.locator(".banner", { hasText: "cannot be reached" }).waitFor();
    await page.locator(".levels.stale").waitFor();
    line.up = true;
    await page.locator('.link[data-state="live"]').waitFor();
    await page.locator(".banner").waitFor({ state: "hidden" });
    await best(page);
    await page.context().close();
  });

  test("another exchange at the same address is not taken for the one before", async () => {
    const connections = [];
    const page = await open({
      key: false,
      prepare: (page) =>
        page.routeWebSocket(/\/stream$/, (here) => {
          const there = here.connectToServer();
          connections.push({ here, there });
        }),
    });
    await best(page);
    await page.route("**/api/glassbook/v1/exchange", async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, json: { ...(await answer.json()), contract: `0x${"11".repeat(20)}` } });
    });
    const again = page.waitForEvent("load");
    const { here, there } = connections.at(-1);
    await Promise.all([here.close(), there.close()]);
    await again;
    await best(page);
    await page.context().close();
  });
});

describe("the proof explorer", () => {
  test("a batch is executed again in the page, and so is the one after it", async () => {
    const page = await open({ path: "proofs", key: false });
    await page.locator(".lane").nth(1).waitFor({ timeout: 60_000 });
    for (const lane of [1, 0]) {
      const number = (await page.locator(".lane").nth(lane).getAttribute("href")).split("/").pop();
      await page.evaluate((number) => (location.hash = `#/proofs/${number}`), number);
      await page.getByRole("heading", { name: `Batch ${number}`, exact: true }).waitFor();
      await page.locator("#verify").click();
      await page.getByText(`Batch ${number} holds`).waitFor({ timeout: 60_000 });
      await page.getByText("All thirteen words of the claim come out as stated").waitFor();
      await page.getByText("Commands, as this page executed them").waitFor();
    }
    await page.screenshot({ path: "results/verified.png" });
    await page.context().close();
  });

  test("a batch that is not there is said not to be", async () => {
    const page = await open({ path: "proofs/999999", key: false });
    await page.getByText("The exchange has no batch 999999 yet").waitFor();
    await page.getByRole("link", { name: "To the newest final batch" }).click();
    await page.locator("#verify").waitFor();
    await page.context().close();
  });

  test("every new batch is verified while the page follows", async () => {
    const page = await open({ path: "proofs", key: false });
    await page.getByLabel("Verify every new batch in this page").check();
    await page.locator('.seen[data-sign="good"]').nth(1).waitFor({ timeout: 60_000 });
    await page.context().close();
  });

  test("what is not proved is called not proved", async (context) => {
    const { proofs } = await fetch(`${exchange.url}/api/glassbook/v1/exchange`).then((reply) => reply.json());
    if (proofs !== "executed") return context.skip(`this exchange has ${proofs} proofs`);
    const page = await open({ path: "proofs", key: false });
    await page.getByText("executed: NOT PROVED").first().waitFor();
    await page.context().close();
  });
});

describe("the account", () => {
  test("balances are proved under a batch's root", async () => {
    const page = await open({ path: "account" });
    await page.getByText("the gateway: delegated").waitFor();
    await page.getByRole("button", { name: "Prove my balances" }).click();
    await page.getByText(/Proved under the state root of batch/).waitFor({ timeout: 60_000 });
    await page.getByRole("button", { name: "Forget the key" }).click();
    await page.getByText("API key: the gateway signs").waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
    await page.context().close();
  });

  test("an owner registers a session key made here, and its orders are signed here", async (context) => {
    if (!exchange.owner) return context.skip("no owner's key is known (E2E_OWNER)");
    const page = await open({ path: "account", key: false });
    await page.getByLabel(/Owner's secp256k1 key/).fill(exchange.owner);
    await page.getByRole("button", { name: "Sign with this key" }).click();
    await page.getByText("this browser", { exact: true }).waitFor({ timeout: 60_000 });
    const submissions = [];
    page.on("request", (request) => request.url().endsWith("/streams") && submissions.push(request.postDataJSON()));
    await page.evaluate(() => (location.hash = "#/trade"));
    const { bid } = await best(page);
    await page.getByLabel("Price", { exact: true }).fill(String(Math.floor(bid * 0.97)));
    await page.getByLabel("Quantity", { exact: true }).fill("0.01");
    await page.locator(".place").click();
    await page.getByRole("button", { name: /Cancel order/ }).first().click();
    await page.getByText("No open orders.").waitFor();
    await page.locator('[data-kind="market"]').click();
    await page.locator(".place").click();
    await page.locator(".toast .more", { hasText: "filled" }).first().waitFor();
    await tab(page, /Fills/);
    await page.getByRole("button", { name: /Receipt/ }).first().click();
    await page.getByText("The receipt holds: checked in this page.").waitFor({ timeout: 60_000 });
    assert.equal(submissions.length, 3);
    for (const { signatures } of submissions) assert.match(signatures[0].signature, /^[0-9a-f]{128}$/);
    await page.context().close();
  });

  test("a key in the address is taken out of it", async () => {
    const page = await open({ path: "account" });
    assert.ok(!page.url().includes("secret"));
    await page.context().close();
  });
});

describe("for everybody", () => {
  for (const colorScheme of ["light", "dark"]) {
    for (const [size, viewport] of [["desk", DESK], ["tablet", TABLET], ["phone", PHONE]]) {
      test(`${size}, ${colorScheme}: no barriers, and nothing sticks out`, async () => {
        const page = await open({ viewport, colorScheme, reducedMotion: "reduce" });
        for (const path of PAGES) {
          await page.evaluate((path) => (location.hash = `#/${path}`), path);
          await page.waitForTimeout(1_500);
          await page.screenshot({ path: `results/${path}-${size}-${colorScheme}.png` });
          assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), colorScheme);
          const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert.ok(over <= 0, `${path} is ${over} pixels too wide`);
          await check(page, `${path}, ${size}, ${colorScheme}`);
        }
        await page.context().close();
      });
    }
  }

  test("the keyboard is enough", async () => {
    const page = await open();
    await best(page);
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
    await check(page, "help");
    await page.keyboard.press("Escape");
    await page.keyboard.press("g");
    await page.keyboard.press("p");
    await page.waitForFunction(() => location.hash.startsWith("#/proofs"));
    await page.keyboard.press("t");
    await page.waitForFunction(() => document.documentElement.dataset.theme === "dark");
    await page.keyboard.press("g");
    await page.keyboard.press("t");
    await page.locator(".levels").waitFor();
    await page.getByRole("tab", { name: /Open orders/ }).focus();
    await page.keyboard.press("ArrowRight");
    await page.locator('[role="tab"][aria-selected="true"]:focus', { hasText: "Fills" }).waitFor();
    const symbol = () => page.locator(".choose").innerText();
    const earlier = await symbol();
    await page.keyboard.press("]");
    await page.waitForFunction((earlier) => document.querySelector(".choose")?.innerText !== earlier, earlier);
    await page.context().close();
  });

  test("no page has done what it must not do", () => {
    assert.deepEqual(faults, []);
  });
});

/** Looks for barriers by the rules of WCAG 2.2 A and AA. */
async function check(page, where) {
  // Into the page's own world, by the browser's debugger: the policy allows no scripts from elsewhere.
  await page.evaluate(axe);
  const found = await page.evaluate(() =>
    globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], resultTypes: ["violations"] }),
  );
  const lines = found.violations.map((rule) => `${rule.id}: ${rule.help}\n    ${rule.nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} ${node.any[0]?.message ?? ""}`).join("\n    ")}`);
  assert.equal(lines.length, 0, `${where}:\n  ${lines.join("\n  ")}`);
}
