// A local order book, kept in step as Binance's documentation says ("How to manage a local order book correctly"):
// changes are collected, a snapshot is fetched, older changes are dropped, and each change must begin where the one before ended.
// Where one does not, the book starts over.

import { json } from "../api";
import { Signal } from "../signal";
import type { Streams } from "../stream";

/** Price and quantity, in units of the market's last digits. They stay below 2^53. */
export type Level = [price: number, quantity: number];

interface Change {
  U: number;
  u: number;
  b: [string, string][];
  a: [string, string][];
}

const SNAPSHOT = 1000;
/** Changes that are kept while a snapshot is on its way. */
const MOST_WAITING = 20_000;

export class LocalBook {
  /** Highest first. */
  bids: Level[] = [];
  /** Lowest first. */
  asks: Level[] = [];
  /** Whether it is the exchange's book, as far as is known here. */
  readonly synced = new Signal(false);
  /** Told after each change. */
  readonly changed = new Signal(0);
  private readonly sides = { b: new Map<number, number>(), a: new Map<number, number>() };
  private waiting: Change[] | null = [];
  private update = 0;
  private generation = 0;
  private ended = false;
  private readonly end_: () => void;

  constructor(
    private readonly symbol: string,
    private readonly priceDecimals: number,
    private readonly quantityDecimals: number,
    streams: Streams,
  ) {
    this.end_ = streams.on(`${symbol.toLowerCase()}@depth@100ms`, {
      message: (change: Change) => this.take(change),
      reset: () => void this.restart(),
    });
  }

  end(): void {
    this.ended = true;
    this.end_();
  }

  private async restart(): Promise<void> {
    const generation = ++this.generation;
    this.waiting = [];
    this.synced.value = false;
    for (let pause = 150; !this.ended && generation === this.generation; pause = Math.min(pause * 2, 5_000)) {
      try {
        // The first changes come before the snapshot, so that none is missed between the two.
        await new Promise((resolve) => setTimeout(resolve, pause));
        const snapshot = await json<{ lastUpdateId: number; bids: [string, string][]; asks: [string, string][] }>(
          `/api/v3/depth?symbol=${this.symbol}&limit=${SNAPSHOT}`,
        );
        if (generation !== this.generation || this.ended) return;
        const waiting: Change[] = this.waiting ?? [];
        const first = waiting[0];
        // Older than all changes: there would be a gap.
        if (first && snapshot.lastUpdateId < first.U - 1) continue;
        this.sides.b.clear();
        this.sides.a.clear();
        this.apply(snapshot.bids, this.sides.b);
        this.apply(snapshot.asks, this.sides.a);
        this.update = snapshot.lastUpdateId;
        this.waiting = null;
        for (const change of waiting) if (!this.follow(change)) return;
        this.synced.value = true;
        this.sort();
        return;
      } catch {
        // Tried again after a longer pause.
      }
    }
  }

  private take(change: Change): void {
    if (this.waiting) {
      if (this.waiting.length < MOST_WAITING) this.waiting.push(change);
      else void this.restart();
      return;
    }
    if (this.follow(change)) this.sort();
  }

  /** Takes a change over; false where it does not follow and the book starts over. */
  private follow(change: Change): boolean {
    if (change.u <= this.update) return true;
    if (change.U > this.update + 1) {
      void this.restart();
      return false;
    }
    this.apply(change.b, this.sides.b);
    this.apply(change.a, this.sides.a);
    this.update = change.u;
    return true;
  }

  private apply(levels: [string, string][], side: Map<number, number>): void {
    for (const [price, quantity] of levels) {
      const at = units(price, this.priceDecimals);
      const left = units(quantity, this.quantityDecimals);
      if (left === 0) side.delete(at);
      else side.set(at, left);
    }
  }

  private sort(): void {
    this.bids = [...this.sides.b].sort((x, y) => y[0] - x[0]);
    this.asks = [...this.sides.a].sort((x, y) => x[0] - y[0]);
    this.changed.value++;
  }
}

/** A decimal string in units of its last digit; digits beyond are cut, which for the market's own strings are zeros. */
export function units(text: string, decimals: number): number {
  const point = text.indexOf(".");
  if (point < 0) return Number(text) * 10 ** decimals;
  return Number(text.slice(0, point) + text.slice(point + 1, point + 1 + decimals).padEnd(decimals, "0"));
}

/** Levels put together in steps of `step` units; bids are rounded down, asks up. */
export function grouped(levels: Level[], step: number, side: "bid" | "ask", limit: number): Level[] {
  if (step <= 1) return levels.slice(0, limit);
  const out: Level[] = [];
  for (const [price, quantity] of levels) {
    const at = (side === "bid" ? Math.floor(price / step) : Math.ceil(price / step)) * step;
    const last = out[out.length - 1];
    if (last && last[0] === at) last[1] += quantity;
    else if (out.length === limit) break;
    else out.push([at, quantity]);
  }
  return out;
}
