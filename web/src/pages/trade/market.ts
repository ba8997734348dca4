// The bar above the chart: which market, its price, its day.

import type { App } from "../../app";
import { compact, group } from "../../decimal";
import { fill, h, icon, say } from "../../dom";
import { change, type Market } from "../../market/markets";
import { onFrame, type Scope } from "../../signal";
import { symbols } from "../../ui/symbols";

export function marketBar(app: App, market: Market, scope: Scope): HTMLElement {
  const last = h("span", { class: "last" }, "–");
  const figures = { change: h("dd"), high: h("dd"), low: h("dd"), volume: h("dd") };
  const figure = (name: string, value: HTMLElement): HTMLElement => h("div", { class: "figure" }, h("dt", {}, name), value);
  const button = h(
    "button",
    { class: "choose", "aria-label": `Market ${market.base} / ${market.quote}: choose another`, "aria-haspopup": "true", "aria-expanded": "false", onclick: () => toggle() },
    h("span", {}, market.base, h("span", { class: "soft" }, ` / ${market.quote}`)),
    icon(symbols.down, 14),
  );
  const bar = h(
    "section",
    { class: "panel market", "aria-label": "Market" },
    button,
    last,
    h(
      "dl",
      {},
      figure("24 h", figures.change),
      figure("High", figures.high),
      figure("Low", figures.low),
      figure(`Volume ${market.quote}`, figures.volume),
    ),
  );
  let before = 0;
  scope.add(
    market.day.watch((day) =>
      onFrame(() => {
        if (!day) return;
        const price = Number(day.last);
        say(last, group(day.last));
        // The colour of the last move stays until the next.
        if (price !== before) last.className = `last ${before === 0 ? "" : price > before ? "buy" : "sell"}`;
        before = price;
        const moved = change(day);
        say(figures.change, percent(moved));
        figures.change.className = moved > 0 ? "buy" : moved < 0 ? "sell" : "";
        say(figures.high, group(day.high));
        say(figures.low, group(day.low));
        say(figures.volume, compact(Number(day.quoteVolume)));
        document.title = `${group(day.last)} ${market.symbol} · Glassbook`;
      }),
    ),
  );

  let menu: HTMLElement | null = null;
  const close = (): void => {
    menu?.remove();
    menu = null;
    button.setAttribute("aria-expanded", "false");
  };
  const toggle = (): void => {
    if (menu) return close();
    const at = button.getBoundingClientRect();
    menu = h("div", { class: "menu" });
    fill(
      menu,
      app.markets.map((other) => {
        const day = other.day.value;
        const moved = day ? change(day) : 0;
        return h(
          "button",
          { "aria-current": other === market, onclick: () => (close(), (app.market.value = other)) },
          h("span", {}, h("b", {}, other.base), h("span", { class: "soft" }, ` / ${other.quote}`), !other.trading && " · halted"),
          h("span", {}, day ? group(day.last) : "–"),
          h("span", { class: `right ${moved >= 0 ? "buy" : "sell"}` }, percent(moved)),
        );
      }),
    );
    menu.style.left = `${Math.max(6, Math.min(at.left, innerWidth - 352))}px`;
    menu.style.top = `${at.bottom + 4}px`;
    document.body.append(menu);
    button.setAttribute("aria-expanded", "true");
    (menu.querySelector<HTMLElement>("[aria-current]") ?? menu.querySelector("button"))?.focus();
  };
  scope.add(close);
  scope.listen(document, "keydown", (event) => {
    if (!menu) return;
    const { key } = event as KeyboardEvent;
    const items = [...menu.querySelectorAll("button")];
    const at = items.indexOf(document.activeElement as HTMLButtonElement);
    if (key === "Escape") (close(), button.focus());
    else if (key === "Tab") return close();
    else if (key === "ArrowDown") items[(at + 1) % items.length]?.focus();
    else if (key === "ArrowUp") items[(at - 1 + items.length) % items.length]?.focus();
    else return;
    event.preventDefault();
  });
  scope.listen(document, "pointerdown", (event) => {
    const target = event.target as Node;
    if (menu && !menu.contains(target) && !button.contains(target)) close();
  });
  return bar;
}

function percent(fraction: number): string {
  const text = (Math.abs(fraction) * 100).toFixed(2);
  return `${fraction < 0 ? "−" : "+"}${text} %`;
}
