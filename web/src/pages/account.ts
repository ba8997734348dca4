// The account: which key this browser holds, what it may do, what there is and how that is proved.

import { ApiError, NATIVE, json, post } from "../api";
import { changeCredentials, type App } from "../app";
import { credentialsOf, keptCredentials } from "../account/credentials";
import type { Trader } from "../account/types";
import { checker, fromHex, toHex } from "../checker/checker";
import { group, trim } from "../decimal";
import { fill, h, icon, say } from "../dom";
import { amountText } from "../exchange";
import { claimOf, short } from "../proofs/verifying";
import { onFrame, Scope } from "../signal";
import { openDialog } from "../ui/dialog";
import { symbols } from "../ui/symbols";
import { explain, toast, toastError } from "../ui/toast";
import { verifyingOf } from "./proofs/page";

interface AccountAnswer {
  account: number;
  owner: string;
  sessionKey: string | null;
  session: number;
  stream: { position: number; digest: string };
  nonce: number;
  delegated: boolean;
}

export function accountPage(app: App, scope: Scope, query: URLSearchParams): HTMLElement {
  document.title = "Account · Glassbook";
  const given = credentialsOf(query);
  if (given) {
    // It must not stay in the address, nor in the history.
    history.replaceState(null, "", "#/account");
    changeCredentials(app, given, query.get("remember") === "1");
    toast("good", "The key is in use", "It was in the address of the page, and has been taken out of it.");
  }
  const page = h("div", { class: "page" });
  let inner = new Scope();
  scope.add(
    () => inner.end(),
    app.trader.watch((trader) => {
      inner.end();
      inner = new Scope();
      fill(
        page,
        h("div", { class: "title" }, h("h1", {}, "Account"), h("p", { class: "soft" }, "A key that you enter stays in this browser.")),
        trader ? h("div", { class: "columns" }, holder(app, trader, inner), balances(app, trader, inner)) : h("div", { class: "columns" }, apiKeyForm(app), sessionForm(app)),
        trader ? null : registerForm(app),
      );
    }),
  );
  return page;
}

function panel(title: string, ...content: (HTMLElement | null)[]): HTMLElement {
  return h("section", { class: "panel", "aria-label": title }, h("div", { class: "head" }, h("h2", {}, title)), h("div", { class: "body stack" }, content));
}

/** Who acts, with which key. */
function holder(app: App, trader: Trader, scope: Scope): HTMLElement {
  const facts = h("dl", { class: "words" });
  const kept = keptCredentials();
  const trouble = h("p", { class: "hint wrong", role: "alert" });
  let drawn = "";
  const draw = async (): Promise<void> => {
    const id = trader.account.value;
    say(trouble, trader.trouble.value ? `${trader.trouble.value} To enter another, forget this one.` : "");
    let account: AccountAnswer | null = null;
    if (id !== null && id >= 0) account = await json<AccountAnswer>(`${NATIVE}/accounts/${id}`).catch(() => null);
    // Not over what somebody has marked, to copy it.
    const now = JSON.stringify([id, account]);
    if (now === drawn) return;
    drawn = now;
    const line = (name: string, value: string | HTMLElement, more?: string): HTMLElement[] => [h("dt", {}, name), h("dd", {}, value, more ? h("small", {}, more) : null)];
    fill(
      facts,
      line("Account", id === null ? "…" : String(id)),
      trader.kind === "api key"
        ? line("Key", "API key", "Signs requests of this account; the exchange's gateway checks it.")
        : line("Key", "session key", "Signs every order in this browser: nobody else can place orders of this account."),
      line(
        "Orders are signed by",
        trader.delegated ? h("b", { class: "warn" }, "the gateway: delegated") : h("b", { class: "good" }, "this browser"),
        trader.delegated ? "The gateway holds the account's session key. Whoever runs it could place orders of this account. Withdrawals go to the owner's address, whoever asks for them, and the owner can replace the session key at any time." : "The gateway can neither forge, reorder nor leave out a command of the stream unseen.",
      ),
      account && line("Owner", h("span", { class: "hash" }, account.owner), "Receives withdrawals, and decides about session keys."),
      account && line("Session key", h("span", { class: "hash" }, account.sessionKey ?? "none")),
      account && line("Stream", `${group(String(account.stream.position))} ${account.stream.position === 1 ? "command" : "commands"} signed in this session`, `digest ${short(account.stream.digest)}`),
      account && line("Owner's nonce", String(account.nonce)),
      line("Kept", kept?.remembered ? "in this browser, until you forget it" : "until this tab is closed"),
    );
  };
  scope.add(trader.account.watch(() => void draw()), trader.trouble.watch(() => void draw()));
  scope.every(5_000, () => void draw());
  const forget = (): void => {
    changeCredentials(app, null, false);
    toast("info", "The key is forgotten");
  };
  return panel(
    "Key",
    trouble,
    facts,
    h("div", { class: "row" }, h("button", { class: "button danger", onclick: () => (kept?.credentials.kind === "session key" ? askFirst(kept.credentials.secret, forget) : forget()) }, "Forget the key"), h("a", { class: "button", href: "#/trade" }, "Trade")),
  );
}

/** A session key may have been made in this browser, and be in no other place. */
function askFirst(secret: string, forget: () => void): void {
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(secret);
      toast("good", "The session key is copied", "Whoever has it can trade for the account: keep it where nobody else looks.");
    } catch (error) {
      toastError("The browser does not let the page copy", error);
    }
  };
  const { close } = openDialog("Forget the session key?", [
    h("p", {}, "Without it this browser cannot place or cancel orders of the account. If it was made here, it is in no other place; the owner can register a new one at any time."),
    h(
      "div",
      { class: "row spaced" },
      h("button", { class: "button danger", onclick: () => (close(), forget()) }, "Forget it"),
      h("button", { class: "button", onclick: () => void copy() }, "Copy it"),
      h("button", { class: "button", onclick: () => close() }, "Keep it"),
    ),
  ]);
}

/** What there is, and a proof of it under a batch's state root. */
function balances(app: App, trader: Trader, scope: Scope): HTMLElement {
  const body = h("tbody");
  const result = h("div", { class: "stack" });
  const button = h("button", { class: "button primary", onclick: () => void prove() }, icon(symbols.proof), "Prove my balances");
  const draw = (): void =>
    fill(
      body,
      trader.balances.value.map((own) => h("tr", {}, h("td", {}, h("b", {}, own.asset)), h("td", { class: "right" }, group(trim(own.free))), h("td", { class: "right" }, group(trim(own.locked))))),
      trader.balances.value.length === 0 && h("tr", {}, h("td", { colspan: 3, class: "soft" }, "None known yet.")),
    );
  let proving = false;
  const ready = (): void => void (button.disabled = proving || trader.account.value === null);
  scope.add(trader.balances.watch(() => onFrame(draw)), trader.account.watch(ready));
  const prove = async (): Promise<void> => {
    const id = trader.account.value;
    if (id === null) return;
    proving = true;
    ready();
    fill(result, h("p", { class: "hint", role: "status" }, "Fetching the proofs…"));
    try {
      const answer = await json<{ claim: string; balances: { asset: number; proof: string }[] }>(`${NATIVE}/accounts/${id}/balance-proof`);
      const stated = await checker.claim(fromHex(answer.claim) ?? new Uint8Array());
      const number = Number(stated.batch);
      // The batch's own claim has to be the one that came with the proofs.
      const own = toHex(await claimOf(app, number));
      if (own !== stated.encoded) throw new Error(`The proofs come with another claim than batch ${number} has.`);
      const root = fromHex(stated.stateRoot) ?? new Uint8Array();
      const rows: HTMLElement[] = [];
      for (const { asset, proof } of answer.balances) {
        const found = await checker.checkBalance(root, id, asset, fromHex(proof) ?? new Uint8Array());
        const info = app.exchange.assets.find((info) => info.asset === asset);
        const text = (units: string): string => group(trim(amountText(info, units)));
        rows.push(h("tr", {}, h("td", {}, h("b", {}, info?.symbol ?? String(asset))), h("td", { class: "right" }, text(found.free)), h("td", { class: "right" }, text(found.locked)), h("td", { class: "right soft" }, found.present ? `slot ${found.slot}` : "absent")));
      }
      const verified = verifyingOf(app).all.get(number)?.state === "holds";
      fill(
        result,
        h("div", { class: "verdict", role: "status" }, icon(symbols.good), h("div", {}, `Proved under the state root of batch ${number}: checked in this page.`, h("p", {}, "Each proof is a path of 32 hashes from the balance to the root ", h("span", { class: "mono" }, short(stated.stateRoot)), verified ? ", which this page has verified by execution." : "."))),
        h("table", { class: "data" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Asset"), h("th", { scope: "col", class: "right" }, "Free"), h("th", { scope: "col", class: "right" }, "In orders"), h("th", { scope: "col", class: "right" }, "Place"))), h("tbody", {}, rows)),
        h("p", { class: "hint" }, "What has happened since that batch is not in it. ", h("a", { href: `#/proofs/${number}` }, verified ? "To the batch" : "Verify the batch, too")),
      );
    } catch (error) {
      const { message, remedy } = explain(error);
      fill(result, h("div", { class: "verdict bad", role: "alert" }, icon(symbols.bad), h("div", {}, "Not proved.", h("p", {}, `${message} ${remedy ?? ""}`))));
    } finally {
      proving = false;
      ready();
    }
  };
  return h(
    "section",
    { class: "panel", "aria-label": "Balances" },
    h("div", { class: "head" }, h("h2", {}, "Balances")),
    h("table", { class: "data" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Asset"), h("th", { scope: "col", class: "right" }, "Free"), h("th", { scope: "col", class: "right" }, "In orders"))), body),
    h("div", { class: "body stack" }, h("div", { class: "row" }, button), result),
  );
}

let ids = 0;

function textField(name: string, properties: Record<string, unknown>): { element: HTMLElement; input: HTMLInputElement } {
  const id = `account-${++ids}`;
  const input = h("input", { id, type: "text", autocomplete: "off", spellcheck: "false", ...properties });
  return { element: h("div", { class: "field" }, h("label", { for: id }, name), h("div", { class: "input" }, input)), input };
}

function remember(): { element: HTMLElement; input: HTMLInputElement } {
  const input = h("input", { type: "checkbox" });
  return { element: h("label", { class: "check" }, input, "Remember it in this browser"), input };
}

function apiKeyForm(app: App): HTMLElement {
  const key = textField("API key", { name: "key" });
  const secret = textField("Secret", { name: "secret", type: "password" });
  const keep = remember();
  const form = h(
    "form",
    { class: "stack" },
    h("p", { class: "soft" }, "For an account that has delegated its session to this exchange's gateway, as the demonstration accounts have: the gateway signs its orders. Requests are signed here with the secret (HMAC)."),
    key.element,
    secret.element,
    keep.element,
    h("div", {}, h("button", { class: "button primary", type: "submit" }, "Use the API key")),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!key.input.value.trim() || !secret.input.value.trim()) {
      (key.input.value.trim() ? secret : key).input.focus();
      return toast("warn", "Both the API key and its secret are needed");
    }
    changeCredentials(app, { kind: "api key", key: key.input.value.trim(), secret: secret.input.value.trim() }, keep.input.checked);
  });
  return panel("API key: the gateway signs", form);
}

function sessionForm(app: App): HTMLElement {
  const account = textField("Account number", { inputmode: "numeric" });
  const secret = textField("Session key: 32 bytes in hexadecimal digits", { type: "password" });
  const keep = remember();
  const form = h(
    "form",
    { class: "stack" },
    h("p", { class: "soft" }, "For an account whose session key you hold: every order is chained to the account's stream and signed in this browser, in wasm. Nobody else can act for it."),
    account.element,
    secret.element,
    keep.element,
    h("div", {}, h("button", { class: "button primary", type: "submit" }, "Use the session key")),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const number = account.input.value.trim();
    const bytes = fromHex(secret.input.value);
    if (!/^\d{1,9}$/.test(number)) return account.input.focus(), toast("warn", "The account number is missing", "Digits only.");
    if (bytes?.length !== 32) return secret.input.focus(), toast("warn", "The session key is not 32 bytes in hexadecimal digits", "That is 64 digits, 0 to 9 and a to f.");
    changeCredentials(app, { kind: "session key", account: Number(number), secret: toHex(bytes) }, keep.input.checked);
  });
  return panel("Session key: you sign", form);
}

/** A new session key, made here and registered with the owner's signature. */
function registerForm(app: App): HTMLElement {
  const owner = textField("Owner's secp256k1 key, for development chains only", { type: "password" });
  const status = h("p", { class: "hint", role: "status" });
  const keep = remember();
  const run = async (sign: (command: string, account: AccountAnswer) => Promise<string>, address: string): Promise<void> => {
    const { account } = await json<{ account: number }>(`${NATIVE}/owners/${address}`);
    const facts = await json<AccountAnswer>(`${NATIVE}/accounts/${account}`);
    const secret = crypto.getRandomValues(new Uint8Array(32));
    const { key } = await checker.publicKey(secret);
    const expires = String((Date.now() + 30 * 86_400_000) * 1000);
    const { command } = await checker.encodeCommand({ kind: "registerSession", key, expires });
    const signature = await sign(command, facts);
    const answer = await json<{ outcomes?: { result: string; reason?: string; code?: number }[] }>(`${NATIVE}/owner-commands`, post({ account, command, signature }));
    const outcome = answer.outcomes?.[0];
    if (outcome?.result === "rejected") throw new ApiError(0, String(outcome.code), outcome.reason ?? `Rejected (${outcome.code}).`, null);
    changeCredentials(app, { kind: "session key", account, secret: toHex(secret) }, keep.input.checked);
    toast("good", `A new session key of account ${account} is registered`, "It was made here, and is in no other place.");
  };
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    status.textContent = "Registering…";
    try {
      await work();
      status.textContent = "";
    } catch (error) {
      status.textContent = "";
      toastError("No session key was registered", error);
    }
  };
  const form = h(
    "form",
    { class: "stack" },
    h("p", { class: "soft" }, "Makes a session key in this browser and registers it for your account with the owner's signature, for 30 days. A session that the account has is replaced, also one that the gateway holds."),
    owner.element,
    keep.element,
    h(
      "div",
      { class: "row" },
      h("button", { class: "button primary", type: "submit" }, "Sign with this key"),
      "ethereum" in window ? h("button", { class: "button", type: "button", onclick: () => void attempt(() => withWallet(app, run)) }, "Sign with a wallet") : null,
      status,
    ),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void attempt(async () => {
      const secret = fromHex(owner.input.value);
      if (secret?.length !== 32) throw new Error("The owner's key is not 32 bytes in hexadecimal digits.");
      const { address } = await checker.ownerAddress(secret);
      await run(async (command, facts) => {
        const { digest } = await checker.ownerDigest({ chainId: app.exchange.chainId, exchange: app.exchange.contract, account: facts.account, nonce: facts.nonce, command });
        return (await checker.ownerSign(secret, fromHex(digest) ?? new Uint8Array())).signature;
      }, `0x${address}`);
    });
  });
  return panel("A new session key, by the owner", form);
}

async function withWallet(app: App, run: (sign: (command: string, account: AccountAnswer) => Promise<string>, address: string) => Promise<void>): Promise<void> {
  const wallet = (window as unknown as { ethereum: { request: (of: unknown) => Promise<any> } }).ethereum;
  const [address] = (await wallet.request({ method: "eth_requestAccounts" })) as string[];
  if (!address) throw new Error("The wallet gave no address.");
  await run(async (command, facts) => {
    const typed = {
      domain: { name: "Glassbook", version: "1", chainId: app.exchange.chainId, verifyingContract: app.exchange.contract },
      primaryType: "Authorization",
      types: {
        EIP712Domain: [
          { name: "name", type: "string" },
          { name: "version", type: "string" },
          { name: "chainId", type: "uint256" },
          { name: "verifyingContract", type: "address" },
        ],
        Authorization: [
          { name: "account", type: "uint32" },
          { name: "nonce", type: "uint64" },
          { name: "command", type: "bytes" },
        ],
      },
      message: { account: facts.account, nonce: facts.nonce, command: `0x${command}` },
    };
    const signature = (await wallet.request({ method: "eth_signTypedData_v4", params: [address, JSON.stringify(typed)] })) as string;
    return signature.replace(/^0x/, "");
  }, address);
}
