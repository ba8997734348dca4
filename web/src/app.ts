// What all pages share.

import { DelegatedTrader } from "./account/delegated";
import { NativeTrader } from "./account/native";
import { keepCredentials, keptCredentials, type Credentials } from "./account/credentials";
import type { Trader } from "./account/types";
import { ExchangeInfo, loadExchange } from "./exchange";
import { followDays, loadMarkets, type Market } from "./market/markets";
import { Batches } from "./proofs/batches";
import { Signal } from "./signal";
import { Streams } from "./stream";

export interface App {
  streams: Streams;
  markets: Market[];
  exchange: ExchangeInfo;
  batches: Batches;
  trader: Signal<Trader | null>;
  /** The market that is looked at. */
  market: Signal<Market>;
}

export async function startApp(streams: Streams): Promise<App> {
  const [markets, exchange] = await Promise.all([loadMarkets(), loadExchange()]);
  const first = markets.find((market) => market.symbol === localStorage.getItem("market")) ?? markets[0];
  if (!first) throw new Error("The exchange has no markets yet.");
  for (const market of markets) {
    const quote = exchange.assets.find((asset) => asset.symbol === market.quote);
    if (quote) market.amountDecimals = Math.min(quote.decimals, 8);
  }
  const app: App = {
    streams,
    markets,
    exchange,
    batches: new Batches(),
    trader: new Signal<Trader | null>(null),
    market: new Signal(first),
  };
  void followDays(markets, streams).catch(() => undefined);
  noticeAnother(app);
  const kept = keptCredentials();
  if (kept) useCredentials(app, kept.credentials);
  return app;
}

/** Whoever answers after a cut may be another exchange, begun anew at the same address: then everything shown is of the old one. */
function noticeAnother(app: App): void {
  let cut = false;
  app.streams.status.watch((status) => {
    if (status === "offline") cut = true;
    if (status !== "live" || !cut) return;
    cut = false;
    void loadExchange().then((now) => {
      const { exchange, batches } = app;
      if (now.chainId === 0 || exchange.chainId === 0) return;
      const same = now.chainId === exchange.chainId && now.contract === exchange.contract && now.program === exchange.program && now.batch.lastSealed >= batches.last;
      if (!same) location.reload();
    });
  });
}

function useCredentials(app: App, credentials: Credentials | null): void {
  app.trader.value?.end();
  app.trader.value =
    credentials === null
      ? null
      : credentials.kind === "api key"
        ? new DelegatedTrader(credentials.key, credentials.secret, app)
        : new NativeTrader(credentials.account, credentials.secret, app);
}

/** Acts with another key from now on; null forgets it. */
export function changeCredentials(app: App, credentials: Credentials | null, remember: boolean): void {
  keepCredentials(credentials, remember);
  useCredentials(app, credentials);
}
