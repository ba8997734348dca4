// The depth chart: how much could be bought or sold up to each price.

import { formatDecimal, group, compact } from "../../decimal";
import { h } from "../../dom";
import type { Level } from "../../market/book";
import type { Market } from "../../market/markets";
import { onFrame, type Scope } from "../../signal";
import { colour, theme } from "../../ui/theme";

/** Of the price, to each side. */
const REACH = 0.004;

export class DepthChart {
  readonly element: HTMLElement;
  private readonly canvas = h("canvas", { "aria-hidden": "true" });
  private readonly words = h("p", { class: "visually-hidden" });
  private size = { width: 0, height: 0 };
  private pointer: number | null = null;
  private sides: [Level[], Level[]] = [[], []];
  private colours: Record<string, string> = {};
  private said = 0;

  constructor(
    private readonly market: Market,
    scope: Scope,
  ) {
    this.element = h("div", { class: "depth" }, this.canvas, this.words);
    const redraw = (): void => onFrame(() => this.paint());
    const observer = new ResizeObserver(([entry]) => {
      if (!entry) return;
      const { width, height } = entry.contentRect;
      const ratio = devicePixelRatio;
      this.size = { width, height };
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
      redraw();
    });
    observer.observe(this.element);
    this.element.onpointermove = (event) => ((this.pointer = event.offsetX), redraw());
    this.element.onpointerleave = () => ((this.pointer = null), redraw());
    scope.add(
      () => observer.disconnect(),
      theme.watch(() => {
        for (const name of ["buy", "sell", "buy-wash", "sell-wash", "soft", "faint", "line-strong", "text", "panel"]) this.colours[name] = colour(name);
        redraw();
      }),
    );
  }

  draw(bids: Level[], asks: Level[]): void {
    this.sides = [bids, asks];
    this.paint();
  }

  private paint(): void {
    const context = this.canvas.getContext("2d");
    const { width, height } = this.size;
    if (!context || width === 0) return;
    const ratio = this.canvas.width / width;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const [bids, asks] = this.sides;
    const [bid, ask] = [bids[0]?.[0], asks[0]?.[0]];
    if (bid === undefined || ask === undefined) return;
    const middle = (bid + ask) / 2;
    // As far as the book reaches, but not so far that the middle is lost.
    const reach = Math.max(
      (ask - bid) * 2,
      Math.min(middle * REACH, Math.max(middle - (bids[bids.length - 1]?.[0] ?? bid), (asks[asks.length - 1]?.[0] ?? ask) - middle)),
    );
    const gather = (levels: Level[]): Level[] => {
      let sum = 0;
      const out: Level[] = [];
      for (const [price, quantity] of levels) {
        if (Math.abs(price - middle) > reach) break;
        out.push([price, (sum += quantity)]);
      }
      return out;
    };
    const [buyers, sellers] = [gather(bids), gather(asks)];
    const most = Math.max(1, buyers[buyers.length - 1]?.[1] ?? 0, sellers[sellers.length - 1]?.[1] ?? 0);
    const x = (price: number): number => width / 2 + ((price - middle) / reach) * (width / 2);
    const y = (sum: number): number => height - 16 - (sum / most) * (height - 26);
    const side = (levels: Level[], name: "buy" | "sell", edge: number): void => {
      if (levels.length === 0) return;
      const path = new Path2D();
      path.moveTo(x((levels[0] as Level)[0]), y(0));
      let sum = 0;
      for (const [price, next] of levels) {
        path.lineTo(x(price), y(sum));
        path.lineTo(x(price), y(next));
        sum = next;
      }
      path.lineTo(edge, y(sum));
      const area = new Path2D(path);
      area.lineTo(edge, y(0));
      area.closePath();
      context.fillStyle = this.colours[`${name}-wash`] ?? "";
      context.fill(area);
      context.strokeStyle = this.colours[name] ?? "";
      context.lineWidth = 1.5;
      context.stroke(path);
    };
    side(buyers, "buy", 0);
    side(sellers, "sell", width);
    const text = (price: number): string => group(formatDecimal(BigInt(Math.round(price)), this.market.priceDecimals));
    context.font = "11px Inter, sans-serif";
    context.fillStyle = this.colours.soft ?? "";
    context.textBaseline = "bottom";
    context.textAlign = "left";
    context.fillText(text(middle - reach), 8, height - 2);
    context.textAlign = "center";
    context.fillText(text(middle), width / 2, height - 2);
    context.textAlign = "right";
    context.fillText(text(middle + reach), width - 8, height - 2);
    if (this.pointer !== null) this.cross(context, this.pointer, { buyers, sellers, middle, reach, x, y, text });
    this.describe(buyers, sellers, text(bid), text(ask));
  }

  private cross(
    context: CanvasRenderingContext2D,
    at: number,
    plot: { buyers: Level[]; sellers: Level[]; middle: number; reach: number; x: (p: number) => number; y: (s: number) => number; text: (p: number) => string },
  ): void {
    const { width, height } = this.size;
    const price = plot.middle + ((at - width / 2) / (width / 2)) * plot.reach;
    const levels = price < plot.middle ? plot.buyers : plot.sellers;
    const sum = levels.findLast(([level]) => (price < plot.middle ? level >= price : level <= price))?.[1] ?? 0;
    context.strokeStyle = this.colours["line-strong"] ?? "";
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(at, 4);
    context.lineTo(at, height - 16);
    context.stroke();
    context.fillStyle = this.colours.text ?? "";
    context.textBaseline = "top";
    context.textAlign = at > width / 2 ? "right" : "left";
    const amount = formatDecimal(BigInt(sum), this.market.quantityDecimals);
    context.fillText(`${compact(Number(amount))} ${this.market.base} to ${plot.text(price)}`, at > width / 2 ? at - 6 : at + 6, 6);
  }

  /** In words, for those who do not see it; not too often. */
  private describe(buyers: Level[], sellers: Level[], bid: string, ask: string): void {
    const now = Date.now();
    if (now - this.said < 5_000) return;
    this.said = now;
    const total = (levels: Level[]): string => formatDecimal(BigInt(levels[levels.length - 1]?.[1] ?? 0), this.market.quantityDecimals);
    this.words.textContent = `Depth chart: best buyer ${bid}, best seller ${ask}; ${total(buyers)} ${this.market.base} wanted and ${total(sellers)} offered nearby.`;
  }
}
