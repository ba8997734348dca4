// One's own open orders, fills and balances.

import type { App } from "../../app";
import type { OwnFill, OwnOrder, Trader } from "../../account/types";
import { group, trim } from "../../decimal";
import { fill, h, icon } from "../../dom";
import type { Market } from "../../market/markets";
import { STAGES, stageName, stageOf } from "../../proofs/batches";
import { onFrame, Scope } from "../../signal";
import { moment } from "../../time";
import { symbols } from "../../ui/symbols";
import { toast, toastError } from "../../ui/toast";
import { openReceipt } from "../proofs/receipt";

const TABS = ["orders", "fills", "balances"] as const;
type Tab = (typeof TABS)[number];

export function ownPanel(app: App, market: Market, scope: Scope): HTMLElement {
  let tab: Tab = "orders";
  const body = h("div", { class: "scroll", id: "own-body", role: "tabpanel", tabindex: "0", "aria-label": "Orders" });
  const tabs = h(
    "div",
    { class: "segments", role: "tablist", "aria-label": "Own account" },
    TABS.map((name) => h("button", { role: "tab", "aria-controls": "own-body", "data-tab": name, onclick: () => choose(name) })),
  );
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
  const draw = (): void => {
    const trader = app.trader.value;
    const counts = { orders: trader?.orders.value.length ?? 0, fills: trader?.fills.value.length ?? 0, balances: 0 };
    const names = { orders: "Open orders", fills: "Fills", balances: "Balances" };
    for (const button of tabs.children) {
      const name = button.getAttribute("data-tab") as Tab;
      button.setAttribute("aria-selected", String(name === tab));
      const text = counts[name] > 0 ? `${names[name]} ${counts[name]}` : names[name];
      if (button.textContent !== text) button.textContent = text;
    }
    body.setAttribute("aria-label", names[tab]);
    all.hidden = tab !== "orders" || counts.orders === 0;
    // What has the focus keeps it although its row is drawn again.
    const focused = body.contains(document.activeElement) ? document.activeElement?.getAttribute("data-focus") : null;
    fill(body, content(app, trader, tab));
    if (focused) body.querySelector<HTMLElement>(`[data-focus="${focused}"]`)?.focus();
  };
  const soon = (): void => onFrame(draw);
  let own = new Scope();
  scope.add(
    () => own.end(),
    app.trader.watch((trader) => {
      own.end();
      own = new Scope();
      if (trader) own.add(...[trader.orders, trader.fills, trader.balances, trader.trouble].map((signal) => (signal as any).watch(soon)));
      soon();
    }),
    app.batches.changed.watch(() => {
      if (tab === "fills") soon();
    }),
  );
  void market;
  return h("section", { class: "panel own part", "aria-label": "Own account" }, h("div", { class: "head" }, tabs, all), body);
}

function content(app: App, trader: Trader | null, tab: Tab): HTMLElement {
  if (!trader) {
    return h("div", { class: "empty" }, "Orders, fills and balances of your account appear here.", h("a", { class: "button small", href: "#/account" }, icon(symbols.key), "Use a key"));
  }
  if (trader.trouble.value) {
    return h("div", { class: "empty" }, h("span", { class: "warn" }, trader.trouble.value), h("a", { class: "button small", href: "#/account" }, "To the account"));
  }
  if (tab === "orders") return orders(trader);
  if (tab === "fills") return fills(app, trader);
  return balances(trader);
}

function side(side: string): HTMLElement {
  return h("span", { class: side }, side === "buy" ? "Buy" : "Sell");
}

function orders(trader: Trader): HTMLElement {
  if (trader.orders.value.length === 0) return h("div", { class: "empty" }, "No open orders.");
  const row = (order: OwnOrder): HTMLElement =>
    h(
      "tr",
      {},
      h("td", { class: "soft aside" }, moment(order.time)),
      h("td", {}, h("b", {}, order.symbol)),
      h("td", {}, side(order.side)),
      h("td", { class: "aside" }, words(order.type)),
      h("td", { class: "right" }, Number(order.price) > 0 ? group(trim(order.price)) : "market"),
      h("td", { class: "right aside" }, order.trigger ? group(trim(order.trigger)) : "–"),
      h("td", { class: "right" }, `${trim(order.executed)} / ${trim(order.quantity)}`),
      h(
        "td",
        { class: "right" },
        h(
          "button",
          {
            class: "button small danger",
            "data-focus": `cancel-${order.id}`,
            "aria-label": `Cancel order ${order.id}`,
            onclick: async (event: Event) => {
              const button = event.currentTarget as HTMLButtonElement;
              button.disabled = true;
              try {
                await trader.cancel(order);
                toast("good", `Order ${order.id} is cancelled`);
              } catch (error) {
                button.disabled = false;
                toastError(`Order ${order.id} is not cancelled`, error);
              }
            },
          },
          "Cancel",
        ),
      ),
    );
  return table(["*Time", "Market", "Side", "*Kind", "Price ", "*Trigger ", "Filled ", ""], trader.orders.value.map(row));
}

function fills(app: App, trader: Trader): HTMLElement {
  if (trader.fills.value.length === 0) return h("div", { class: "empty" }, "No fills yet.");
  const row = (own: OwnFill): HTMLElement => {
    const open = (): void => void openReceipt(app, own);
    return h(
      "tr",
      { class: "openable", onclick: open },
      h("td", { class: "soft aside" }, moment(own.time)),
      h("td", {}, h("b", {}, own.symbol)),
      h("td", {}, side(own.side)),
      h("td", { class: "right" }, own.price ? group(trim(own.price)) : "–"),
      h("td", { class: "right" }, trim(own.quantity)),
      h("td", { class: "right aside" }, own.fee ? `${trim(own.fee)} ${own.feeAsset}` : "–"),
      h("td", { class: "soft aside" }, own.maker ? "maker" : "taker"),
      h("td", {}, stages(app, own.sequence)),
      h(
        "td",
        { class: "right" },
        h(
          "button",
          {
            class: "button small",
            "data-focus": `receipt-${own.id}`,
            "aria-label": `Receipt of fill ${own.id}`,
            onclick: (event: Event) => (event.stopPropagation(), open()),
          },
          icon(symbols.receipt, 14),
          "Receipt",
        ),
      ),
    );
  };
  return table(["*Time", "Market", "Side", "Price ", "Quantity ", "*Fee ", "*As", "Batch", ""], trader.fills.value.slice(0, 60).map(row));
}

/** How far the batch of a command is. */
function stages(app: App, sequence: string): HTMLElement {
  const batch = app.batches.holding(Number(sequence));
  if (!batch) return h("span", { class: "soft" }, "not sealed yet");
  const stage = stageOf(batch);
  const reached = stage === "failed" ? 0 : STAGES.indexOf(stage);
  return h(
    "span",
    { class: "stages" },
    STAGES.map((name, at) => h("i", { "data-done": at <= reached ? name : undefined })),
    h("span", {}, `${stageName(stage, app.exchange)} · ${batch.batch}`),
  );
}

function balances(trader: Trader): HTMLElement {
  if (trader.balances.value.length === 0) return h("div", { class: "empty" }, "No balances are known yet.");
  return table(
    ["Asset", "Free ", "In orders "],
    trader.balances.value.map((own) =>
      h("tr", {}, h("td", {}, h("b", {}, own.asset)), h("td", { class: "right" }, group(trim(own.free))), h("td", { class: "right" }, group(trim(own.locked)))),
    ),
  );
}

/** Names that end in a blank are of columns of numbers; those that begin with a star are left out on a phone. */
function table(names: string[], rows: HTMLElement[]): HTMLElement {
  const heads = names.map((name) =>
    h("th", { scope: "col", class: `${name.endsWith(" ") || name === "" ? "right" : ""} ${name.startsWith("*") ? "aside" : ""}` }, name.replace("*", "").trim() || h("span", { class: "visually-hidden" }, "Action")),
  );
  return h("table", { class: "data" }, h("thead", {}, h("tr", {}, heads)), h("tbody", {}, rows));
}

function words(type: string): string {
  return type.toLowerCase().replaceAll("_", " ");
}
