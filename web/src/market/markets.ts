// The markets, and the day of each.

import { json } from "../api";
import { decimalsOf, tidy, trim } from "../decimal";
import { Signal } from "../signal";
import type { Streams } from "../stream";

export interface Market {
  /** `BTCUSD`. */
  symbol: string;
  base: string;
  quote: string;
  /** Digits after the point. */
  priceDecimals: number;
  quantityDecimals: number;
  amountDecimals: number;
  tick: string;
  step: string;
  minQuantity: string;
  /** The most in one order, and the highest price; null where the exchange does not say. */
  maxQuantity: string | null;
  maxPrice: string | null;
  trading: boolean;
  day: Signal<Day | null>;
}

/** The last 24 hours. */
export interface Day {
  last: string;
  open: string;
  high: string;
  low: string;
  volume: string;
  quoteVolume: string;
}

interface Filter {
  filterType: string;
  tickSize?: string;
  stepSize?: string;
  minQty?: string;
  maxQty?: string;
  maxPrice?: string;
}

interface SymbolInfo {
  symbol: string;
  status: string;
  baseAsset: string;
  quoteAsset: string;
  quoteAssetPrecision?: number;
  quotePrecision?: number;
  filters: Filter[];
}

export async function loadMarkets(): Promise<Market[]> {
  const info = await json<{ symbols: SymbolInfo[] }>("/api/v3/exchangeInfo");
  return info.symbols.map((symbol) => {
    const filter = (type: string): Filter | undefined => symbol.filters.find((filter) => filter.filterType === type);
    const tick = filter("PRICE_FILTER")?.tickSize ?? "0.01";
    const lot = filter("LOT_SIZE");
    const step = lot?.stepSize ?? "0.0001";
    return {
      symbol: symbol.symbol,
      base: symbol.baseAsset,
      quote: symbol.quoteAsset,
      priceDecimals: decimalsOf(tick),
      quantityDecimals: decimalsOf(step),
      amountDecimals: 2,
      tick: trim(tick),
      step: trim(step),
      minQuantity: trim(lot?.minQty ?? step),
      maxQuantity: atMost(lot?.maxQty),
      maxPrice: atMost(filter("PRICE_FILTER")?.maxPrice),
      trading: symbol.status === "TRADING",
      day: new Signal<Day | null>(null),
    };
  });
}

/** Zero is no limit. */
const atMost = (limit: string | undefined): string | null => (Number(limit ?? 0) > 0 ? trim(limit ?? "") : null);

/** Fills in each market's day and keeps it. */
export async function followDays(markets: Market[], streams: Streams): Promise<void> {
  for (const market of markets) {
    streams.on(`${market.symbol.toLowerCase()}@miniTicker`, {
      message: (m) => {
        market.day.value = dayOf(market, [m.c, m.o, m.h, m.l], m.v, m.q);
      },
    });
  }
  const days = await json<Record<string, string>[]>("/api/v3/ticker/24hr");
  for (const day of days) {
    const market = markets.find((market) => market.symbol === day.symbol);
    if (!market || market.day.value) continue;
    const prices = [day.lastPrice, day.openPrice, day.highPrice, day.lowPrice];
    market.day.value = dayOf(market, prices, day.volume, day.quoteVolume);
  }
}

function dayOf(market: Market, prices: (string | undefined)[], volume: string | undefined, quoteVolume: string | undefined): Day {
  const [last, open, high, low] = prices.map((price) => tidy(price ?? "0", market.priceDecimals));
  return { last: last ?? "0", open: open ?? "0", high: high ?? "0", low: low ?? "0", volume: volume ?? "0", quoteVolume: quoteVolume ?? "0" };
}

/** The change since 24 hours ago, as a fraction. */
export function change(day: Day): number {
  const open = Number(day.open);
  return open > 0 ? Number(day.last) / open - 1 : 0;
}
