// One's own open orders, fills and balances.

import type { App } from "../../app";
import type { OwnBalance, OwnFill, OwnOrder, Trader } from "../../account/types";
import { group, trim } from "../../decimal";
import { fill, h, icon, mark, say } from "../../dom";
import { STAGES, stageName, stageOf } from "../../proofs/batches";
import { onFrame, Scope } from "../../signal";
import { moment } from "../../time";
import { symbols } from "../../ui/symbols";
import { selectTab, tabKeys } from "../../ui/tabs";
import { toast, toastError } from "../../ui/toast";
import { openReceipt } from "../proofs/receipt";
import { Rows } from "./rows";

const TABS = ["orders", "fills", "balances"] as const;
type Tab = (typeof TABS)[number];
const NAMES = { orders: "Open orders", fills: "Fills", balances: "Balances" };
/** Fills that are shown. */
const SHOWN = 60;

/** A table of one tab. */
interface Table {
  element: HTMLElement;
  /** Shows what there is; false where there is nothing. */
  draw: (trader: Trader) => boolean;
}

export function ownPanel(app: App, scope: Scope): HTMLElement {
  let tab: Tab = "orders";
  const body = h("div", { class: "scroll", id: "own-body", role: "tabpanel", tabindex: "0", "aria-label": "Orders" });
  const tabs = h(
    "div",
    { class: "segments", role: "tablist", "aria-label": "Own account" },
    TABS.map((name) => h("button", { role: "tab", "aria-controls": "own-body", "data-tab": name, onclick: () => choose(name) })),
  );
  tabKeys(tabs);
  const all = h("button", { class: "button small quiet danger push", onclick: () => void cancelAll() }, "Cancel all");
  const choose = (next: Tab): void => {
    tab = next;
    draw();
  };
  const cancelAll = async (): Promise<void> => {
    const trader = app.trader.value;
    if (!trader) return;
    const symbols_ = [...new Set(trader.orders.value.map((order) => order.symbol))];
    try {
      for (const symbol of symbols_) await trader.cancelAll(symbol);
      toast("good", "All open orders are cancelled");
    } catch (error) {
      toastError("Not all are cancelled", error);
    }
  };
  let tables: Record<Tab, Table> | null = null;
  const content = (trader: Trader | null): HTMLElement | string => {
    if (!trader) return "no key";
    if (trader.trouble.value) return trader.trouble.value;
    const shown = tables?.[tab];
    return shown?.draw(trader) ? shown.element : `none ${tab}`;
  };
  let said: HTMLElement | string | null = null;
  const draw = (): void => {
    const trader = app.trader.value;
    const counts = { orders: trader?.orders.value.length ?? 0, fills: trader?.fills.value.length ?? 0, balances: 0 };
    for (const button of tabs.children) {
      const name = button.getAttribute("data-tab") as Tab;
      selectTab(button, name === tab);
      say(button, counts[name] > 0 ? `${NAMES[name]} ${counts[name]}` : NAMES[name]);
    }
    mark(body, "aria-label", NAMES[tab]);
    all.hidden = tab !== "orders" || counts.orders === 0;
    const now = content(trader);
    if (now === said) return;
    said = now;
    fill(body, typeof now === "string" ? nothing(trader, tab) : now);
  };
  const soon = (): void => onFrame(draw);
  let own = new Scope();
  scope.add(
    () => own.end(),
    app.trader.watch((trader) => {
      own.end();
      own = new Scope();
      tables = trader && { orders: orders(trader), fills: fills(app), balances: balances() };
      said = null;
      if (trader) own.add(...[trader.orders, trader.fills, trader.balances, trader.trouble].map((signal) => (signal as any).watch(soon)));
      soon();
    }),
    app.batches.changed.watch(() => {
      if (tab === "fills") soon();
    }),
  );
  return h("section", { class: "panel own part", "aria-label": "Own account" }, h("div", { class: "head" }, tabs, all), body);
}

/** What is said where a table would be empty. */
function nothing(trader: Trader | null, tab: Tab): HTMLElement {
  if (!trader) {
    return h("div", { class: "empty" }, "Orders, fills and balances of your account appear here.", h("a", { class: "button small", href: "#/account" }, icon(symbols.key), "Use a key"));
  }
  if (trader.trouble.value) {
    return h("div", { class: "empty" }, h("span", { class: "warn" }, trader.trouble.value), h("a", { class: "button small", href: "#/account" }, "To the account"));
  }
  const more = {
    orders: h("span", { class: "keyboard" }, "To place one: ", h("kbd", {}, "b"), " buys, ", h("kbd", {}, "s"), " sells."),
    fills: h("span", {}, "Each comes with a receipt, which this page checks."),
    balances: h("span", {}, "They come with the first deposit that counts."),
  };
  return h("div", { class: "empty" }, { orders: "No open orders.", fills: "No fills yet.", balances: "No balances are known yet." }[tab], more[tab]);
}

function side(side: string): HTMLElement {
  return h("span", { class: side }, side === "buy" ? "Buy" : "Sell");
}

function orders(trader: Trader): Table {
  const { element, body } = table(["*Time", "Market", "Side", "*Kind", "Price ", "*Trigger ", "Filled ", ""]);
  const rows = new Rows<OwnOrder>(
    body,
    (order) => order.id,
    (first) => {
      let order = first;
      const [price, trigger, filled] = [h("td", { class: "right" }), h("td", { class: "right aside" }), h("td", { class: "right" })];
      const cancel = async (): Promise<void> => {
        button.disabled = true;
        try {
          await trader.cancel(order);
          toast("good", `Order ${order.id} is cancelled`);
        } catch (error) {
          button.disabled = false;
          toastError(`Order ${order.id} is not cancelled`, error);
        }
      };
      const button = h("button", { class: "button small danger", "aria-label": `Cancel order ${order.id}`, onclick: () => void cancel() }, "Cancel");
      return {
        element: h(
          "tr",
          {},
          h("td", { class: "soft aside" }, moment(order.time)),
          h("td", {}, h("b", {}, order.symbol)),
          h("td", {}, side(order.side)),
          h("td", { class: "aside" }, words(order.type)),
          price,
          trigger,
          filled,
          h("td", { class: "right" }, button),
        ),
        update: (now) => {
          order = now;
          say(price, Number(now.price) > 0 ? group(trim(now.price)) : "market");
          say(trigger, now.trigger ? group(trim(now.trigger)) : "–");
          say(filled, `${trim(now.executed)} / ${trim(now.quantity)}`);
        },
      };
    },
  );
  return {
    element,
    draw: (trader) => {
      rows.show(trader.orders.value);
      return trader.orders.value.length > 0;
    },
  };
}

function fills(app: App): Table {
  const { element, body } = table(["*Time", "Market", "Side", "Price ", "Quantity ", "*Fee ", "*As", "Batch", ""]);
  const rows = new Rows<OwnFill>(
    body,
    (own) => `${own.symbol} ${own.id} ${own.orderId}`,
    (own) => {
      const open = (): void => void openReceipt(app, own);
      const stage = stages(app, own.sequence);
      return {
        element: h(
          "tr",
          { class: "openable", onclick: open },
          h("td", { class: "soft aside" }, moment(own.time)),
          h("td", {}, h("b", {}, own.symbol)),
          h("td", {}, side(own.side)),
          h("td", { class: "right" }, own.price ? group(trim(own.price)) : "–"),
          h("td", { class: "right" }, trim(own.quantity)),
          h("td", { class: "right aside" }, own.fee ? `${trim(own.fee).replace("-", "−")} ${own.feeAsset}` : "–"),
          h("td", { class: "soft aside" }, own.maker ? "maker" : "taker"),
          h("td", {}, stage.element),
          h(
            "td",
            { class: "right" },
            h(
              "button",
              {
                class: "button small",
                "aria-label": `Receipt of fill ${own.id}`,
                onclick: (event: Event) => (event.stopPropagation(), open()),
              },
              icon(symbols.receipt, 14),
              h("span", { class: "aside" }, "Receipt"),
            ),
          ),
        ),
        update: stage.draw,
      };
    },
  );
  return {
    element,
    draw: (trader) => {
      rows.show(trader.fills.value.slice(0, SHOWN));
      return trader.fills.value.length > 0;
    },
  };
}

/** How far the batch of a command is. */
function stages(app: App, sequence: string): { element: HTMLElement; draw: () => void } {
  const marks = STAGES.map(() => h("i"));
  const [text, number] = [h("span"), h("span", { class: "aside" })];
  const draw = (): void => {
    const batch = app.batches.holding(Number(sequence));
    // Of what is too old to be known here, nothing is said that may be wrong.
    const old = !batch && app.batches.begins > Number(sequence);
    const stage = batch ? stageOf(batch) : null;
    const reached = stage === null ? -1 : stage === "failed" ? 0 : STAGES.indexOf(stage);
    for (const [at, name] of STAGES.entries()) mark(marks[at] as HTMLElement, "data-done", at <= reached ? name : null);
    say(text, stage ? stageName(stage, app.exchange) : old ? "older" : "not sealed yet");
    say(number, batch ? `· ${batch.batch}` : "");
  };
  return { element: h("span", { class: "stages" }, marks, text, number), draw };
}

function balances(): Table {
  const { element, body } = table(["Asset", "Free ", "In orders "]);
  const rows = new Rows<OwnBalance>(
    body,
    (own) => own.asset,
    (own) => {
      const [free, locked] = [h("td", { class: "right" }), h("td", { class: "right" })];
      return {
        element: h("tr", {}, h("td", {}, h("b", {}, own.asset)), free, locked),
        update: (now) => {
          say(free, group(trim(now.free)));
          say(locked, group(trim(now.locked)));
        },
      };
    },
  );
  return {
    element,
    draw: (trader) => {
      rows.show(trader.balances.value);
      return trader.balances.value.length > 0;
    },
  };
}

/** Names that end in a blank are of columns of numbers; those that begin with a star are left out on a phone. */
function table(names: string[]): { element: HTMLElement; body: HTMLElement } {
  const heads = names.map((name) =>
    h("th", { scope: "col", class: `${name.endsWith(" ") || name === "" ? "right" : ""} ${name.startsWith("*") ? "aside" : ""}` }, name.replace("*", "").trim() || h("span", { class: "visually-hidden" }, "Action")),
  );
  const body = h("tbody");
  return { element: h("table", { class: "data" }, h("thead", {}, h("tr", {}, heads)), body), body };
}

function words(type: string): string {
  return type.toLowerCase().replaceAll("_", " ");
}
