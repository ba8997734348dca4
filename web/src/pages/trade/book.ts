// The order book: price levels with what has gathered up to each, and the depth chart below. Drawn once a frame at most.

import type { App } from "../../app";
import { formatDecimal, group } from "../../decimal";
import { h, say } from "../../dom";
import { grouped, units, type Level, type LocalBook } from "../../market/book";
import type { Market } from "../../market/markets";
import { onFrame, type Scope } from "../../signal";
import { DepthChart } from "./depth";

const ROWS = 32;
const GROUPS = [1, 10, 100];

interface Drawn {
  element: HTMLElement;
  price: HTMLElement;
  quantity: HTMLElement;
  sum: HTMLElement;
  level: Level | null;
}

export function bookPanel(app: App, market: Market, book: LocalBook, scope: Scope, choose: (price: string) => void): HTMLElement {
  const tick = units(market.tick, market.priceDecimals) || 1;
  let step = tick;
  const priceText = (price: number): string => group(formatDecimal(BigInt(price), market.priceDecimals));
  const quantityText = (quantity: number): string => formatDecimal(BigInt(quantity), market.quantityDecimals);

  const rows = (side: "bids" | "asks"): { element: HTMLElement; rows: Drawn[] } => {
    const made = Array.from({ length: ROWS }, (): Drawn => {
      const [price, quantity, sum] = [h("span", { role: "cell" }), h("span", { role: "cell" }), h("span", { role: "cell" })];
      const drawn: Drawn = {
        element: h("div", { class: "level", role: "row" }, price, quantity, sum),
        price,
        quantity,
        sum,
        level: null,
      };
      drawn.element.onclick = () => {
        if (drawn.level) choose(formatDecimal(BigInt(drawn.level[0]), market.priceDecimals));
      };
      return drawn;
    });
    const name = side === "bids" ? "Buyers" : "Sellers";
    return {
      element: h("div", { class: `side ${side}`, role: "rowgroup", "aria-label": name }, made.map((row) => row.element)),
      rows: made,
    };
  };
  const bids = rows("bids");
  const asks = rows("asks");
  const last = h("span", { class: "last" }, "–");
  const spread = h("span", { class: "soft" });
  let before = 0;
  const depth = new DepthChart(market, scope);
  const levels = h(
    "div",
    { class: "levels", role: "table", "aria-label": "Order book" },
    h(
      "div",
      { class: "names", role: "row" },
      h("span", { role: "columnheader" }, `Price ${market.quote}`),
      h("span", { role: "columnheader" }, `Quantity ${market.base}`),
      h("span", { role: "columnheader" }, `Sum ${market.base}`),
    ),
    asks.element,
    h("div", { class: "middle", role: "row" }, h("span", { role: "cell" }, last), h("span", { role: "cell" }, spread)),
    bids.element,
  );

  // How many rows fit; measured when the size changes, not while drawing.
  let fit = 12;
  const measure = new ResizeObserver(() => {
    const first = bids.rows[0];
    const height = first?.element.offsetHeight || 20;
    fit = Math.max(1, Math.min(ROWS, Math.floor(bids.element.offsetHeight / height)));
    onFrame(draw);
  });
  measure.observe(bids.element);
  scope.add(() => measure.disconnect());

  const drawSide = (drawn: Drawn[], found: Level[], own: Set<number>, most: number): void => {
    let sum = 0;
    for (let at = 0; at < ROWS; at++) {
      const row = drawn[at] as Drawn;
      const level = at < fit ? (found[at] ?? null) : null;
      row.level = level;
      row.element.style.visibility = level ? "" : "hidden";
      row.element.classList.toggle("own", level !== null && own.has(level[0]));
      if (!level) continue;
      sum += level[1];
      say(row.price, priceText(level[0]));
      say(row.quantity, quantityText(level[1]));
      say(row.sum, quantityText(sum));
      row.element.style.setProperty("--depth", (sum / most).toFixed(3));
    }
  };
  const draw = (): void => {
    const buyers = grouped(book.bids, step, "bid", fit);
    const sellers = grouped(book.asks, step, "ask", fit);
    const total = (found: Level[]): number => found.reduce((sum, level) => sum + level[1], 0);
    const most = Math.max(1, total(buyers), total(sellers));
    const own = { buy: new Set<number>(), sell: new Set<number>() };
    for (const order of app.trader.value?.orders.value ?? []) {
      if (order.symbol !== market.symbol || !(Number(order.price) > 0)) continue;
      const price = units(order.price, market.priceDecimals);
      own[order.side].add((order.side === "buy" ? Math.floor(price / step) : Math.ceil(price / step)) * step);
    }
    drawSide(bids.rows, buyers, own.buy, most);
    drawSide(asks.rows, sellers, own.sell, most);
    const [bid, ask] = [book.bids[0]?.[0], book.asks[0]?.[0]];
    if (bid !== undefined && ask !== undefined) {
      const points = ((ask - bid) / ((ask + bid) / 2)) * 10_000;
      say(spread, `spread ${priceText(ask - bid)} ${market.quote} · ${points.toFixed(points < 10 ? 1 : 0)} bp`);
    } else say(spread, book.synced.value ? "one side is empty" : "");
    depth.draw(book.bids, book.asks);
  };
  /** What may be old is pale. */
  const age = (): void => {
    const stale = !book.synced.value || app.streams.status.value === "offline";
    levels.classList.toggle("stale", stale);
    levels.setAttribute("aria-busy", String(stale));
  };
  scope.add(
    book.changed.watch(() => onFrame(draw)),
    book.synced.watch(() => age()),
    app.streams.status.watch(() => age()),
    market.day.watch((day) => {
      if (!day) return;
      onFrame(() => {
        const price = Number(day.last);
        say(last, group(day.last));
        if (price !== before) last.className = `last ${before === 0 ? "" : price > before ? "buy" : "sell"}`;
        before = price;
      });
    }),
    app.trader.watch((trader) => {
      const end = trader?.orders.watch(() => onFrame(draw));
      if (end) scope.add(end);
    }),
  );

  const choice = h(
    "div",
    { class: "segments push", role: "group", "aria-label": "Price levels together" },
    GROUPS.map((many) =>
      h(
        "button",
        {
          "aria-pressed": String(many === 1),
          onclick: (event: Event) => {
            step = tick * many;
            for (const button of choice.children) button.setAttribute("aria-pressed", String(button === event.currentTarget));
            draw();
          },
        },
        formatDecimal(BigInt(tick * many), market.priceDecimals),
      ),
    ),
  );
  return h(
    "section",
    { class: "panel book part", "aria-label": "Order book and depth" },
    h("div", { class: "head" }, h("h2", {}, "Order book"), choice),
    levels,
    depth.element,
  );
}
