// The trade tape: the last trades of everybody.

import type { App } from "../../app";
import { json } from "../../api";
import { group, tidy } from "../../decimal";
import { h, say } from "../../dom";
import type { Market } from "../../market/markets";
import { onFrame, type Scope } from "../../signal";
import { clock } from "../../time";

interface Row {
  id: number;
  price: string;
  quantity: string;
  time: number;
  buyerTook: boolean;
}

const SHOWN = 60;

export function tapePanel(app: App, market: Market, scope: Scope): HTMLElement {
  let rows: Row[] = [];
  const cells = Array.from({ length: SHOWN }, () => [h("span"), h("span"), h("span")] as const);
  const elements = cells.map((cell) => h("div", { class: "trade-row", hidden: true }, [...cell]));

  const draw = (): void => {
    for (let at = 0; at < SHOWN; at++) {
      const row = rows[at];
      const [price, quantity, time] = cells[at] as (typeof cells)[0];
      (elements[at] as HTMLElement).hidden = row === undefined;
      if (!row) continue;
      say(price, group(tidy(row.price, market.priceDecimals)));
      price.className = row.buyerTook ? "buy" : "sell";
      say(quantity, tidy(row.quantity, market.quantityDecimals));
      say(time, clock(row.time));
    }
  };
  const load = async (): Promise<void> => {
    const trades = await json<any[]>(`/api/v3/trades?symbol=${market.symbol}&limit=${SHOWN}`);
    const newest = trades
      .map((t) => ({ id: t.id, price: t.price, quantity: t.qty, time: t.time, buyerTook: !t.isBuyerMaker }))
      .sort((x, y) => y.id - x.id);
    const known = new Set(rows.map((row) => row.id));
    rows = [...rows, ...newest.filter((row) => !known.has(row.id))].sort((x, y) => y.id - x.id).slice(0, SHOWN);
    onFrame(draw);
  };
  scope.add(
    app.streams.on(`${market.symbol.toLowerCase()}@trade`, {
      message: (t) => {
        // An exchange that has just begun again may tell what it told before.
        if (rows[0] && t.t <= rows[0].id) return;
        rows.unshift({ id: t.t, price: t.p, quantity: t.q, time: t.T, buyerTook: !t.m });
        if (rows.length > SHOWN) rows.length = SHOWN;
        onFrame(draw);
      },
      reset: () => void load().catch(() => undefined),
    }),
  );
  return h(
    "section",
    { class: "panel tape part", "aria-label": "Trades of everybody" },
    h("div", { class: "head" }, h("h2", {}, "Trades")),
    h("div", { class: "names" }, h("span", {}, `Price ${market.quote}`), h("span", {}, `Quantity ${market.base}`), h("span", {}, "Time")),
    h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "The last trades" }, elements),
  );
}
