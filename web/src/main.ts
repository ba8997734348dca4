// Starts the page: what surrounds the pages, and which of them is shown.

import "./styles/all.css";
import { startApp, type App } from "./app";
import { fill, h, icon, mark, say } from "./dom";
import { accountPage } from "./pages/account";
import { healthPage } from "./pages/health";
import { proofsPage } from "./pages/proofs/page";
import { tradePage } from "./pages/trade/page";
import { Scope } from "./signal";
import { Streams } from "./stream";
import { span } from "./time";
import { shortcut, showHelp } from "./ui/shortcuts";
import { symbols } from "./ui/symbols";
import { choice, theme, toggleTheme } from "./ui/theme";
import { toastPlaces } from "./ui/toast";

const PAGES = [
  { name: "trade", title: "Trade", symbol: symbols.trade, key: "g t" },
  { name: "proofs", title: "Proofs", symbol: symbols.proof, key: "g p" },
  { name: "account", title: "Account", symbol: symbols.account, key: "g a" },
  { name: "health", title: "Health", symbol: symbols.health, key: "g h" },
] as const;

function header(app: App): HTMLElement {
  const lag = h("span", { class: "wide", "aria-hidden": "true" });
  const state = h("span", { class: "visually-hidden" });
  const link = h("a", { class: "item link", href: "#/health", "data-state": "connecting" }, h("span", { class: "dot" }), state, lag);
  const words = { connecting: "connecting", live: "live", silent: "no news", offline: "offline" };
  const draw = (): void => {
    const status = app.streams.status.value;
    mark(link, "data-state", status);
    const ms = app.streams.lag.value;
    say(lag, status === "live" && ms !== null ? (ms < 1000 ? `${ms} ms` : `${span(ms)} late`) : words[status]);
    say(state, `Connection: ${words[status]}`);
    mark(link, "title", `Connection: ${words[status]}${ms === null ? "" : `; market data arrives ${span(ms)} after it was made, by both clocks`}`);
  };
  app.streams.status.watch(draw);
  // Every message has a lag; nobody reads it twenty times a second.
  setInterval(draw, 1_000);

  const final = h("a", { class: "item wide", href: "#/proofs" });
  app.batches.changed.watch(() => {
    const { last, lastFinal } = app.batches;
    final.hidden = last === 0;
    say(final, lastFinal > 0 ? `batch ${lastFinal} final · ${last} sealed` : `batch ${last} sealed`);
  });
  const account = h("a", { class: "item", href: "#/account" });
  app.trader.watch((trader) => {
    const name = (id: number | null): string => (id === null ? "…" : `account ${id}`);
    const text = h("span", { class: "wide", "aria-hidden": "true" });
    const words = h("span", { class: "visually-hidden" });
    fill(account, icon(symbols.key, 14), words, text);
    if (!trader) {
      say(text, "no key");
      say(words, "No key is in use");
    } else {
      for (const signal of [trader.account, trader.trouble]) {
        signal.watch(() => {
          const [id, refused] = [trader.account.value, trader.trouble.value !== null];
          say(text, refused ? "key not accepted" : trader.delegated ? `${name(id)} · delegated` : name(id));
          say(words, refused ? "The key is not accepted" : `Acts for ${name(id)}${trader.delegated ? ", delegated to the gateway" : ""}`);
        });
      }
    }
  });
  const themes = h("button", { class: "item", onclick: toggleTheme });
  const drawTheme = (): void => {
    fill(themes, icon(theme.value === "dark" ? symbols.dark : symbols.light));
    mark(themes, "aria-label", `Theme: ${theme.value}${choice.value === "system" ? ", as the system" : ""}. Change`);
  };
  theme.watch(drawTheme);
  choice.watch(drawTheme);
  return h(
    "header",
    { class: "header" },
    h("a", { class: "brand", href: "#/trade", "aria-label": "Glassbook" }, icon("M2.2 3.2C4.6 2.4 6.6 2.8 8 4c1.4-1.2 3.4-1.6 5.8-.8v9.4c-2.4-.8-4.4-.4-5.8.8-1.4-1.2-3.4-1.6-5.8-.8zM8 4v9.4M4.4 6.2c.8-.1 1.3 0 1.8.3M4.4 8.6c.8-.1 1.3 0 1.8.3M10 9.1l1 1 1.8-2.4", 22), h("span", {}, "Glassbook")),
    h(
      "nav",
      { class: "nav", "aria-label": "Pages" },
      PAGES.map(({ name, title, symbol }) => h("a", { href: `#/${name}`, "data-page": name }, icon(symbol), h("span", { class: "name" }, title))),
    ),
    h("div", { class: "status" }, final, link, account, themes, h("button", { class: "item", "aria-label": "Keyboard shortcuts", onclick: showHelp }, icon(symbols.help))),
  );
}

async function start(): Promise<void> {
  const waiting = h("p", { class: "empty", role: "status" }, "Opening the exchange…");
  document.body.replaceChildren(waiting, ...toastPlaces());
  // It connects while the exchange is asked what it is.
  const streams = new Streams("/stream");
  let app: App;
  for (let pause = 500; ; pause = Math.min(pause * 2, 5_000)) {
    try {
      app = await startApp(streams);
      break;
    } catch (error) {
      waiting.textContent = `${error instanceof Error ? error.message : String(error)} Trying again…`;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
  const main = h("main", { id: "main", tabindex: "-1" });
  const banner = h("div", { class: "banner", role: "status", hidden: true });
  const skip = h("a", { class: "skip", href: "#main", onclick: (event: Event) => (event.preventDefault(), main.focus()) }, "To the content");
  document.body.replaceChildren(skip, header(app), banner, main, ...toastPlaces());

  let gone = 0;
  app.streams.status.watch((status) => {
    clearTimeout(gone);
    if (status !== "offline") banner.hidden = true;
    // Not for a blink.
    else
      gone = window.setTimeout(() => {
        banner.hidden = false;
        banner.textContent = "The exchange cannot be reached. What is shown is old; the page connects again by itself.";
      }, 1_500);
  });

  let scope = new Scope();
  let shown = "";
  let moved: ((path: string[]) => void) | null = null;
  const route = (): void => {
    const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?");
    const [name = "", ...rest] = path.split("/");
    const page = PAGES.find((page) => page.name === name)?.name ?? "trade";
    for (const link of document.querySelectorAll("[data-page]")) {
      mark(link, "aria-current", link.getAttribute("data-page") === page ? "page" : null);
    }
    if (page === shown && moved) return moved(rest);
    if (page === shown && !query) return;
    const first = shown === "";
    scope.end();
    scope = new Scope();
    shown = page;
    moved = null;
    let element: HTMLElement;
    if (page === "proofs") ({ element, moved } = proofsPage(app, scope, rest));
    else if (page === "account") element = accountPage(app, scope, new URLSearchParams(query));
    else if (page === "health") element = healthPage(app, scope);
    else element = tradePage(app, scope);
    main.replaceChildren(element);
    main.scrollTop = 0;
    if (!first) main.focus();
  };
  addEventListener("hashchange", route);
  for (const { name, title, key } of PAGES) shortcut(key, `to ${title}`, () => (location.hash = `#/${name}`));
  shortcut("t", "light or dark", toggleTheme);
  shortcut("?", "this help", showHelp);
  route();
}

void start();
