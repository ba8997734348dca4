// What one's own account looks like, however the page speaks for it.

import type { Market } from "../market/markets";
import type { Signal } from "../signal";

export type Side = "buy" | "sell";

export interface OwnOrder {
  id: string;
  symbol: string;
  side: Side;
  type: string;
  price: string;
  /** Of a stop; empty without. */
  trigger: string;
  quantity: string;
  executed: string;
  status: string;
  time: number;
}

export interface OwnFill {
  id: string;
  orderId: string;
  symbol: string;
  side: Side;
  price: string;
  quantity: string;
  fee: string;
  feeAsset: string;
  time: number;
  maker: boolean;
  /** The taker's command, whose receipt shows the fill. */
  sequence: string;
}

export interface OwnBalance {
  asset: string;
  free: string;
  locked: string;
}

export interface NewOrder {
  market: Market;
  side: Side;
  kind: "limit" | "market" | "stop";
  quantity: string;
  /** Of a limit order, and of a stop that becomes one. */
  price: string | null;
  trigger: string | null;
  /** A stop waits for the price to rise or to fall to its trigger. */
  rising: boolean;
  timeInForce: "gtc" | "ioc" | "fok";
  postOnly: boolean;
}

/** What became of a new order, in words. */
export interface Placed {
  id: string | null;
  status: string;
  executed: string;
}

/** Acts for one account. */
export interface Trader {
  readonly kind: "api key" | "session key";
  /** Null until it is known. */
  readonly account: Signal<number | null>;
  /** Whether the gateway holds the session key. */
  readonly delegated: boolean;
  readonly orders: Signal<OwnOrder[]>;
  readonly fills: Signal<OwnFill[]>;
  readonly balances: Signal<OwnBalance[]>;
  /** Why nothing is known, where something is wrong with the key. */
  readonly trouble: Signal<string | null>;
  place(order: NewOrder): Promise<Placed>;
  cancel(order: OwnOrder): Promise<void>;
  cancelAll(symbol: string): Promise<void>;
  refresh(): void;
  end(): void;
}
