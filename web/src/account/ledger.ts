// What is known of one's own orders, fills and balances, kept up by what the exchange tells of executions.

import type { App } from "../app";
import { group } from "../decimal";
import { amountText, decimalText } from "../exchange";
import type { Market } from "../market/markets";
import { Signal } from "../signal";
import { toast } from "../ui/toast";
import type { Execution, ExecutionOrder } from "./executions";
import type { OwnBalance, OwnFill, OwnOrder } from "./types";

/** Fills that are kept, and ended orders. */
const MOST = 300;

export class Ledger {
  readonly orders = new Signal<OwnOrder[]>([]);
  readonly fills = new Signal<OwnFill[]>([]);
  readonly balances = new Signal<OwnBalance[]>([]);
  /** Orders as they were told last, ended ones too. */
  readonly last = new Map<string, OwnOrder>();
  /** Told so far: who asked for a list meanwhile may have got an older one. */
  told = 0;
  private readonly open = new Map<string, OwnOrder>();

  constructor(private readonly app: App) {}

  market(id: number): Market | undefined {
    const info = this.app.exchange.markets.find((market) => market.market === id);
    return this.app.markets.find((market) => market.symbol === info?.symbol);
  }

  /** Takes over what a command did to the account. */
  tell({ sequence, time, data }: Execution): void {
    this.told++;
    const fills: OwnFill[] = [];
    for (const { order, trade } of data.orders ?? []) {
      this.take(order);
      const market = this.market(order.market);
      if (!trade || !market) continue;
      const quote = this.app.exchange.assets.find((asset) => asset.symbol === market.quote);
      const own: OwnFill = {
        id: String(trade.trade),
        orderId: String(order.order),
        symbol: market.symbol,
        side: order.side,
        price: decimalText(String(trade.price), market.tick),
        quantity: decimalText(trade.quantity, market.step),
        fee: amountText(quote, trade.fee),
        feeAsset: market.quote,
        time: Math.floor(time / 1000),
        maker: trade.maker,
        sequence: String(sequence),
      };
      fills.unshift(own);
      // What one takes oneself is said by the answer to the order.
      if (own.maker) toast("good", `${own.side === "buy" ? "Bought" : "Sold"} ${own.quantity} ${market.base} at ${group(own.price)}`, "Your resting order was taken.");
    }
    if (data.orders) this.showOrders();
    if (fills.length > 0) this.addFills(fills);
    for (const { asset, free, locked } of data.balances ?? []) {
      const info = this.app.exchange.assets.find((info) => info.asset === asset);
      if (info) this.setBalances([{ asset: info.symbol, free: amountText(info, free), locked: amountText(info, locked) }]);
    }
  }

  /** An order as it is now. */
  take(order: ExecutionOrder): void {
    const market = this.market(order.market);
    if (!market) return;
    const now: OwnOrder = {
      id: String(order.order),
      symbol: market.symbol,
      side: order.side,
      type: order.trigger ? (order.kind === "limit" ? "STOP_LIMIT" : "STOP") : order.kind.toUpperCase(),
      price: order.price > 0 ? decimalText(String(order.price), market.tick) : "0",
      trigger: order.triggerPrice ? decimalText(String(order.triggerPrice), market.tick) : "",
      quantity: decimalText(order.quantity, market.step),
      executed: decimalText(order.executed, market.step),
      status: order.status.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase(),
      time: Math.floor(order.time / 1000),
    };
    this.last.set(now.id, now);
    const oldest = this.last.keys().next().value;
    if (this.last.size > MOST && oldest !== undefined) this.last.delete(oldest);
    if (now.status === "NEW" || now.status === "PARTIALLY_FILLED") this.open.set(now.id, now);
    else this.open.delete(now.id);
  }

  /** All open orders, from a list. */
  setOrders(orders: OwnOrder[]): void {
    this.open.clear();
    for (const order of orders) this.open.set(order.id, order);
    this.showOrders();
  }

  remove(which: (order: OwnOrder) => boolean): void {
    for (const order of this.open.values()) if (which(order)) this.open.delete(order.id);
    this.showOrders();
  }

  showOrders(): void {
    this.orders.value = [...this.open.values()].sort((x, y) => y.time - x.time || Number(y.id) - Number(x.id));
  }

  /** Fills that may be known already. */
  addFills(fills: OwnFill[]): void {
    const all = new Map(fills.map((fill) => [key(fill), fill]));
    for (const known of this.fills.value) all.set(key(known), known);
    this.fills.value = [...all.values()].sort((x, y) => y.time - x.time || Number(y.id) - Number(x.id)).slice(0, MOST);
  }

  /** Balances of some assets. */
  setBalances(balances: OwnBalance[]): void {
    const place = (own: OwnBalance): number => this.app.exchange.assets.findIndex((asset) => asset.symbol === own.asset);
    const others = this.balances.value.filter((known) => balances.every((now) => now.asset !== known.asset));
    this.balances.value = [...others, ...balances].sort((x, y) => place(x) - place(y));
  }
}

/** Both sides of a trade may be one's own. */
function key(fill: OwnFill): string {
  return `${fill.symbol} ${fill.id} ${fill.orderId}`;
}
