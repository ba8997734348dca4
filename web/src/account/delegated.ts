// An account whose session the gateway holds: requests are signed with an API key's secret (HMAC-SHA-256), orders by the gateway.

import { ApiError, json } from "../api";
import type { App } from "../app";
import { toHex } from "../checker/checker";
import { tidy, trim } from "../decimal";
import type { Market } from "../market/markets";
import { Signal } from "../signal";
import { Executions } from "./executions";
import { Ledger } from "./ledger";
import type { NewOrder, OwnBalance, OwnFill, OwnOrder, Placed, Side, Trader } from "./types";

/** How often everything is asked for again: while news comes, without, and with a key that is refused. */
const POLL = 20_000;
const POLL_WITHOUT_NEWS = 3_000;
const POLL_IN_TROUBLE = 15_000;
const FILLS = 100;
const encoder = new TextEncoder();

export class DelegatedTrader implements Trader {
  readonly kind = "api key";
  readonly delegated = true;
  readonly account = new Signal<number | null>(null);
  readonly orders: Signal<OwnOrder[]>;
  readonly fills: Signal<OwnFill[]>;
  readonly balances: Signal<OwnBalance[]>;
  readonly trouble = new Signal<string | null>(null);
  private readonly ledger: Ledger;
  private readonly secret: Promise<CryptoKey>;
  /** How far the exchange's clock, which counts, is ahead of this computer's. */
  private clock = clockAhead();
  private readonly timer: number;
  private readonly executions: Executions;
  private ended = false;
  private loaded = 0;
  private loading: Promise<void> | null = null;

  constructor(
    private readonly key: string,
    secret: string,
    private readonly app: App,
  ) {
    this.ledger = new Ledger(app);
    ({ orders: this.orders, fills: this.fills, balances: this.balances } = this.ledger);
    this.secret = crypto.subtle.importKey("raw", encoder.encode(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    this.executions = new Executions(
      async () => {
        const timestamp = Math.round(Date.now() + (await this.clock));
        return { apiKey: key, timestamp, signature: await this.signature(`apiKey=${key}&timestamp=${timestamp}`) };
      },
      (execution) => this.ledger.tell(execution),
      () => this.refresh(),
    );
    this.timer = window.setInterval(() => {
      const due = this.trouble.value ? POLL_IN_TROUBLE : this.executions.live.value ? POLL : POLL_WITHOUT_NEWS;
      if (!document.hidden && Date.now() - this.loaded > due) this.refresh();
    }, 1_000);
    this.refresh();
  }

  end(): void {
    this.ended = true;
    clearInterval(this.timer);
    this.executions.end();
  }

  private async signature(text: string): Promise<string> {
    return toHex(new Uint8Array(await crypto.subtle.sign("HMAC", await this.secret, encoder.encode(text))));
  }

  private async signed<T>(method: string, path: string, parameters: Record<string, string> = {}): Promise<T> {
    const once = async (): Promise<T> => {
      const timestamp = Math.round(Date.now() + (await this.clock));
      const query = new URLSearchParams({ ...parameters, recvWindow: "10000", timestamp: String(timestamp) }).toString();
      return json<T>(`/api/v3/${path}?${query}&signature=${await this.signature(query)}`, {
        method,
        headers: { "X-MBX-APIKEY": this.key },
      });
    };
    try {
      return await once();
    } catch (error) {
      // Too early or too late: nothing was done. Clocks are set now and then.
      if (!(error instanceof ApiError) || error.code !== "-1021") throw error;
      this.clock = clockAhead();
      return once();
    }
  }

  async place(order: NewOrder): Promise<Placed> {
    const parameters: Record<string, string> = {
      symbol: order.market.symbol,
      side: order.side.toUpperCase(),
      quantity: order.quantity,
      newOrderRespType: "RESULT",
    };
    const life = order.timeInForce.toUpperCase();
    if (order.kind === "market") parameters.type = "MARKET";
    else if (order.kind === "limit") {
      parameters.type = order.postOnly ? "LIMIT_MAKER" : "LIMIT";
      parameters.price = order.price ?? "";
      if (!order.postOnly) parameters.timeInForce = life;
    } else {
      // A buy that waits for the price to rise cuts a loss; one that waits for it to fall takes a profit.
      const kind = order.rising === (order.side === "buy") ? "STOP_LOSS" : "TAKE_PROFIT";
      parameters.type = order.price ? `${kind}_LIMIT` : kind;
      parameters.stopPrice = order.trigger ?? "";
      if (order.price) {
        parameters.price = order.price;
        parameters.timeInForce = life;
      }
    }
    const placed = await this.signed<Record<string, any>>("POST", "order", parameters);
    this.done();
    return { id: String(placed.orderId), status: String(placed.status), executed: trim(String(placed.executedQty ?? "0")) };
  }

  async cancel(order: OwnOrder): Promise<void> {
    await this.signed("DELETE", "order", { symbol: order.symbol, orderId: order.id });
    this.ledger.remove((known) => known.id === order.id);
    this.done();
  }

  async cancelAll(symbol: string): Promise<void> {
    await this.signed("DELETE", "openOrders", { symbol });
    this.ledger.remove((known) => known.symbol === symbol);
    this.done();
  }

  refresh(): void {
    this.loading ??= this.load().finally(() => (this.loading = null));
  }

  private async load(): Promise<void> {
    this.loaded = Date.now();
    const { told } = this.ledger;
    try {
      const { markets } = this.app;
      const each = (path: string, more: Record<string, string>): Promise<Record<string, any>[][]> =>
        Promise.all(markets.map(({ symbol }) => this.signed<Record<string, any>[]>("GET", path, { symbol, ...more })));
      const [account, orders, fills] = await Promise.all([
        this.signed<Record<string, any>>("GET", "account"),
        each("openOrders", {}),
        each("myTrades", { limit: String(FILLS) }),
      ]);
      if (this.ended) return;
      this.trouble.value = null;
      this.account.value = Number(account.uid ?? -1);
      this.ledger.addFills(fills.flatMap((own, at) => own.map((data) => fill(data, markets[at] as Market))));
      // Whatever was told meanwhile is newer than these lists.
      if (this.ledger.told !== told) return;
      this.ledger.setBalances(
        (account.balances as OwnBalance[]).map(({ asset, free, locked }) => {
          const decimals = this.app.exchange.assets.find((known) => known.symbol === asset)?.decimals ?? 0;
          return { asset, free: tidy(free, decimals), locked: tidy(locked, decimals) };
        }),
      );
      this.ledger.setOrders(orders.flatMap((own, at) => own.map((data) => order(data, markets[at] as Market))));
    } catch (error) {
      if (error instanceof ApiError && error.status !== 0) this.trouble.value = `${error.message} ${error.remedy ?? ""}`.trim();
    }
  }

  /** News of what was just done comes by itself, where it comes. */
  private done(): void {
    if (!this.executions.live.value) this.refresh();
  }
}

/** By the middle of the way there and back. */
async function clockAhead(): Promise<number> {
  const sent = Date.now();
  try {
    const { serverTime } = await json<{ serverTime: number }>("/api/v3/time");
    return serverTime - (sent + Date.now()) / 2;
  } catch {
    return 0;
  }
}

function order(data: Record<string, any>, market: Market): OwnOrder {
  const trigger = String(data.stopPrice ?? "0");
  return {
    id: String(data.orderId),
    symbol: data.symbol,
    side: data.side.toLowerCase() as Side,
    type: data.type,
    price: tidy(data.price, market.priceDecimals),
    trigger: Number(trigger) > 0 ? tidy(trigger, market.priceDecimals) : "",
    quantity: tidy(data.origQty, market.quantityDecimals),
    executed: tidy(data.executedQty, market.quantityDecimals),
    status: data.status,
    time: data.time,
  };
}

function fill(data: Record<string, any>, market: Market): OwnFill {
  return {
    id: String(data.id),
    orderId: String(data.orderId),
    symbol: data.symbol,
    side: data.isBuyer ? "buy" : "sell",
    price: tidy(data.price, market.priceDecimals),
    quantity: tidy(data.qty, market.quantityDecimals),
    fee: data.commission,
    feeAsset: data.commissionAsset,
    time: data.time,
    maker: data.isMaker,
    sequence: String(data.sequence),
  };
}
