// The trade page: puts its parts together.

import type { App } from "../../app";
import { h } from "../../dom";
import { LocalBook } from "../../market/book";
import { Scope } from "../../signal";
import { shortcut } from "../../ui/shortcuts";
import { selectTab, tabKeys } from "../../ui/tabs";
import { bookPanel } from "./book";
import { chartPanel } from "./chart";
import { entryPanel } from "./entry";
import { marketBar } from "./market";
import { ownPanel } from "./own";
import { tapePanel } from "./tape";

const PARTS = ["chart", "book", "entry", "tape", "own"] as const;
const PART_NAMES = { chart: "Chart", book: "Book", entry: "Order", tape: "Trades", own: "Mine" };

export function tradePage(app: App, scope: Scope): HTMLElement {
  const place = h("div", { class: "trade" });
  let inner = new Scope();
  scope.add(() => inner.end());
  let shown: (typeof PARTS)[number] = "chart";

  const show = (part: (typeof PARTS)[number]): void => {
    shown = part;
    for (const name of PARTS) {
      place.querySelector(`.${name}`)?.classList.toggle("shown", name === part);
      const button = place.querySelector(`[data-part="${name}"]`);
      if (button) selectTab(button, name === part);
    }
  };

  const parts = h(
    "div",
    { class: "parts segments", role: "tablist", "aria-label": "Parts of the page" },
    PARTS.map((part) => h("button", { role: "tab", "data-part": part, onclick: () => show(part) }, PART_NAMES[part])),
  );
  tabKeys(parts);

  scope.add(
    app.market.watch((market) => {
      inner.end();
      inner = new Scope();
      localStorage.setItem("market", market.symbol);
      document.title = `${market.symbol} · Glassbook`;
      const book = new LocalBook(market.symbol, market.priceDecimals, market.quantityDecimals, app.streams);
      inner.add(() => book.end());
      const entry = entryPanel(app, market, book, inner);
      const choose = (price: string): void => {
        entry.price(price);
        if (matchMedia("(max-width: 720px)").matches) show("entry");
      };
      place.replaceChildren(
        marketBar(app, market, inner),
        parts,
        chartPanel(app, market, inner),
        bookPanel(app, market, book, inner, choose),
        entry.element,
        ownPanel(app, inner),
        tapePanel(app, market, inner),
      );
      show(shown);
      inner.add(
        shortcut("b", "buy: to the quantity", () => (show("entry"), entry.side("buy"))),
        shortcut("s", "sell: to the quantity", () => (show("entry"), entry.side("sell"))),
        shortcut("l", "limit order", () => entry.kind("limit")),
        shortcut("m", "market order", () => entry.kind("market")),
        shortcut("x", "cancel all of this market's orders", () => entry.cancelAll()),
      );
    }),
    shortcut("]", "next market", () => step(app, 1)),
    shortcut("[", "previous market", () => step(app, -1)),
  );
  return place;
}

function step(app: App, by: number): void {
  const at = app.markets.indexOf(app.market.value);
  const next = app.markets[(at + by + app.markets.length) % app.markets.length];
  if (next) app.market.value = next;
}
