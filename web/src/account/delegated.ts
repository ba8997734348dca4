// An account whose session the gateway holds: requests are signed with an API key's secret (HMAC-SHA-256), orders by the gateway.

import { ApiError, json } from "../api";
import { toHex } from "../checker/checker";
import { decimalText, type ExchangeInfo } from "../exchange";
import type { Market } from "../market/markets";
import { Signal } from "../signal";
import { toast } from "../ui/toast";
import { Executions, type Execution } from "./executions";
import type { NewOrder, OwnBalance, OwnFill, OwnOrder, Placed, Side, Trader } from "./types";

/** Without news of the account it is asked for so often. */
const POLL = 4_000;
const FILLS = 100;
const encoder = new TextEncoder();

export class DelegatedTrader implements Trader {
  readonly kind = "api key";
  readonly delegated = true;
  readonly account = new Signal<number | null>(null);
  readonly orders = new Signal<OwnOrder[]>([]);
  readonly fills = new Signal<OwnFill[]>([]);
  readonly balances = new Signal<OwnBalance[]>([]);
  readonly trouble = new Signal<string | null>(null);
  private readonly secret: Promise<CryptoKey>;
  private readonly clock: Promise<number>;
  private readonly timer: number;
  private readonly executions: Executions;
  /** The command of each trade that was told of, by market and trade. */
  private readonly sequences = new Map<string, string>();
  private ended = false;
  private refreshing: Promise<void> | null = null;
  private again = false;

  constructor(
    private readonly key: string,
    secret: string,
    private readonly markets: Market[],
    private readonly exchange: ExchangeInfo,
  ) {
    this.secret = crypto.subtle.importKey("raw", encoder.encode(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    // The exchange's clock counts, not this computer's.
    this.clock = json<{ serverTime: number }>("/api/v3/time").then(
      ({ serverTime }) => serverTime - Date.now(),
      () => 0,
    );
    this.timer = window.setInterval(() => this.refresh(), POLL);
    this.refresh();
    this.executions = new Executions(
      async () => {
        const timestamp = Date.now() + (await this.clock);
        return { apiKey: key, timestamp, signature: await this.signature(`apiKey=${key}&timestamp=${timestamp}`) };
      },
      (execution) => this.told(execution),
      () => this.refresh(),
    );
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
    const timestamp = Date.now() + (await this.clock);
    const query = new URLSearchParams({ ...parameters, recvWindow: "5000", timestamp: String(timestamp) }).toString();
    return json<T>(`/api/v3/${path}?${query}&signature=${await this.signature(query)}`, {
      method,
      headers: { "X-MBX-APIKEY": this.key },
    });
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
    this.refresh();
    return { id: String(placed.orderId), status: String(placed.status), executed: String(placed.executedQty ?? "0") };
  }

  async cancel(order: OwnOrder): Promise<void> {
    await this.signed("DELETE", "order", { symbol: order.symbol, orderId: order.id });
    this.refresh();
  }

  async cancelAll(symbol: string): Promise<void> {
    await this.signed("DELETE", "openOrders", { symbol });
    this.refresh();
  }

  refresh(): void {
    if (this.refreshing) {
      this.again = true;
      return;
    }
    this.refreshing = this.load().finally(() => {
      this.refreshing = null;
      if (this.again && !this.ended) {
        this.again = false;
        this.refresh();
      }
    });
  }

  private async load(): Promise<void> {
    if (document.hidden && this.account.value !== null) return;
    try {
      const [account, orders, fills] = await Promise.all([
        this.signed<Record<string, any>>("GET", "account", { omitZeroBalances: "false" }),
        this.signed<Record<string, any>[]>("GET", "openOrders"),
        Promise.all(
          this.markets.map((market) =>
            this.signed<Record<string, any>[]>("GET", "myTrades", { symbol: market.symbol, limit: String(FILLS) }),
          ),
        ),
      ]);
      if (this.ended) return;
      this.trouble.value = null;
      this.account.value = Number(account.uid ?? -1);
      this.balances.value = account.balances as OwnBalance[];
      this.orders.value = orders.map(order).sort((x, y) => y.time - x.time);
      this.fills.value = fills
        .flat()
        .map((data) => ({ ...fill(data), sequence: this.sequences.get(`${data.symbol} ${data.id}`) ?? (data.sequence === undefined ? null : String(data.sequence)) }))
        .sort((x, y) => y.time - x.time || Number(y.id) - Number(x.id));
    } catch (error) {
      if (error instanceof ApiError && error.status !== 0) this.trouble.value = `${error.message} ${error.remedy ?? ""}`.trim();
    }
  }

  /** News of the account: a reason to look again, and fills are said. */
  private told({ sequence, data }: Execution): void {
    for (const { order, trade } of data.orders ?? []) {
      if (!trade) continue;
      const info = this.exchange.markets.find((market) => market.market === order.market);
      const market = this.markets.find((market) => market.symbol === info?.symbol);
      if (!market) continue;
      this.sequences.set(`${market.symbol} ${trade.trade}`, String(sequence));
      const verb = order.side === "buy" ? "Bought" : "Sold";
      const [quantity, price] = [decimalText(trade.quantity, market.step), decimalText(String(trade.price), market.tick)];
      if (trade.maker) toast("good", `${verb} ${quantity} ${market.base} at ${price}`, "Your resting order was taken.");
    }
    this.refresh();
  }
}

function order(data: Record<string, any>): OwnOrder {
  const trigger = String(data.stopPrice ?? "0");
  return {
    id: String(data.orderId),
    symbol: data.symbol,
    side: data.side.toLowerCase() as Side,
    type: data.type,
    price: data.price,
    trigger: Number(trigger) > 0 ? trigger : "",
    quantity: data.origQty,
    executed: data.executedQty,
    status: data.status,
    time: data.time,
  };
}

function fill(data: Record<string, any>): OwnFill {
  return {
    id: String(data.id),
    orderId: String(data.orderId),
    symbol: data.symbol,
    side: data.isBuyer ? "buy" : "sell",
    price: data.price,
    quantity: data.qty,
    fee: data.commission,
    feeAsset: data.commissionAsset,
    time: data.time,
    maker: data.isMaker,
    sequence: null,
  };
}
