// An account whose session key this browser holds: every order is chained to the account's stream and signed here, in wasm.
//
// Nobody but the key's holder can place the account's orders, and the exchange's public API has no list of an account's orders. So
// this browser remembers which it placed, and asks how they are.

import { ApiError, NATIVE, json, post } from "../api";
import type { App } from "../app";
import { checker, fromHex } from "../checker/checker";
import { formatDecimal, parseDecimal } from "../decimal";
import type { Market } from "../market/markets";
import { Signal } from "../signal";
import { toast } from "../ui/toast";
import type { NewOrder, OwnBalance, OwnFill, OwnOrder, Placed, Side, Trader } from "./types";

const POLL = 2_500;
/** Orders that are remembered. */
const MOST = 200;

interface OrderAnswer {
  order: { order: number; market: number; side: Side; price: number; quantity: string; executed: string; status: string } | null;
  sequence: number;
  batch: number | null;
  state: string;
}

interface Outcome {
  result: "done" | "accepted" | "rejected";
  order?: number;
  code?: number;
  message?: string;
  reason?: string;
}

/** An order of this browser's. */
interface Known {
  order: OwnOrder;
  sequence: string;
  closed: boolean;
}

export class NativeTrader implements Trader {
  readonly kind = "session key";
  readonly delegated = false;
  readonly account: Signal<number | null>;
  readonly orders = new Signal<OwnOrder[]>([]);
  readonly fills = new Signal<OwnFill[]>([]);
  readonly balances = new Signal<OwnBalance[]>([]);
  readonly trouble = new Signal<string | null>(null);
  private readonly secret: Uint8Array;
  private readonly timer: number;
  private readonly place_: string;
  private known: Known[];
  private digest: string | null = null;
  private turn: Promise<unknown> = Promise.resolve();
  private ended = false;

  constructor(
    private readonly id: number,
    secret: string,
    private readonly app: App,
  ) {
    this.account = new Signal<number | null>(id);
    this.secret = fromHex(secret) ?? new Uint8Array(32);
    this.place_ = `glassbook.orders.${app.exchange.contract}.${id}`;
    const kept = JSON.parse(localStorage.getItem(this.place_) ?? "{}") as { known?: Known[]; fills?: OwnFill[] };
    this.known = kept.known ?? [];
    this.fills.value = kept.fills ?? [];
    this.timer = window.setInterval(() => this.refresh(), POLL);
    this.show();
    void this.check();
    this.refresh();
  }

  end(): void {
    this.ended = true;
    clearInterval(this.timer);
  }

  /** Whether the key is the account's. */
  private async check(): Promise<void> {
    try {
      const [{ key }, account] = await Promise.all([
        checker.publicKey(this.secret),
        json<{ sessionKey: string | null }>(`${NATIVE}/accounts/${this.id}`),
      ]);
      if ((account.sessionKey ?? "").replace(/^0x/, "") !== key) {
        this.trouble.value = `This key is not the session key of account ${this.id}: register it with the owner's signature, or use the right one.`;
      }
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) this.trouble.value = `There is no account ${this.id}.`;
    }
  }

  private market(symbol: string): { id: number; market: Market } {
    const info = this.app.exchange.markets.find((market) => market.symbol === symbol);
    const market = this.app.markets.find((market) => market.symbol === symbol);
    if (!info || !market) throw new ApiError(0, "unknown_market", `There is no market ${symbol}.`, null);
    return { id: info.market, market };
  }

  private ticks(market: Market, price: string): number {
    return Number(whole(price, market.tick, market.priceDecimals, "price"));
  }

  /** Signs and sends commands, one submission after another: each goes on where the stream was left. */
  private submit(commands: object[]): Promise<{ firstSequence: number; outcomes: Outcome[] }> {
    const work = async (): Promise<{ firstSequence: number; outcomes: Outcome[] }> => {
      if (this.digest === null) {
        const { stream } = await json<{ stream: { digest: string } }>(`${NATIVE}/accounts/${this.id}`);
        this.digest = stream.digest.replace(/^0x/, "");
      }
      const signed = await checker.signStream(this.secret, fromHex(this.digest) ?? new Uint8Array(), commands);
      try {
        const body = {
          commands: signed.commands.map((command) => ({ account: this.id, command })),
          signatures: [{ account: this.id, signature: signed.signature }],
        };
        const answer = await json<{ firstSequence: number; outcomes: Outcome[] }>(`${NATIVE}/streams`, post(body));
        this.digest = signed.digest;
        return answer;
      } catch (error) {
        // Another device may have moved the stream: look where it is before the next submission.
        this.digest = null;
        throw error;
      }
    };
    const done = this.turn.then(work, work);
    this.turn = done.catch(() => undefined);
    return done;
  }

  async place(order: NewOrder): Promise<Placed> {
    const { id, market } = this.market(order.market.symbol);
    const quantity = whole(order.quantity, market.step, market.quantityDecimals, "quantity").toString();
    const stop = order.kind === "stop";
    const limit = order.kind === "limit" || (stop && order.price !== null);
    const command = {
      kind: "place",
      market: id,
      side: order.side,
      type: limit ? "limit" : "market",
      price: limit ? this.ticks(market, order.price ?? "") : undefined,
      quantity,
      timeInForce: limit ? order.timeInForce : "ioc",
      postOnly: order.kind === "limit" && order.postOnly,
      trigger: stop
        ? { kind: order.rising === (order.side === "buy") ? "stopLoss" : "takeProfit", price: this.ticks(market, order.trigger ?? "") }
        : undefined,
    };
    const { firstSequence, outcomes } = await this.submit([command]);
    const outcome = outcomes[0];
    if (!outcome || outcome.result === "rejected") throw rejected(outcome);
    const placed: OwnOrder = {
      id: String(outcome.order),
      symbol: market.symbol,
      side: order.side,
      type: stop ? (limit ? "STOP_LIMIT" : "STOP") : order.kind.toUpperCase(),
      price: order.price ?? "0",
      trigger: order.trigger ?? "",
      quantity: order.quantity,
      executed: formatDecimal(0n, market.quantityDecimals),
      status: "NEW",
      time: Date.now(),
    };
    this.known.unshift({ order: placed, sequence: String(firstSequence), closed: false });
    this.known.splice(MOST);
    this.show();
    await this.load();
    const now = this.known.find((known) => known.order.id === placed.id)?.order ?? placed;
    return { id: placed.id, status: now.status, executed: now.executed };
  }

  async cancel(order: OwnOrder): Promise<void> {
    const { outcomes } = await this.submit([{ kind: "cancel", market: this.market(order.symbol).id, order: { id: order.id } }]);
    if (outcomes[0]?.result === "rejected") throw rejected(outcomes[0]);
    await this.load();
  }

  async cancelAll(symbol: string): Promise<void> {
    const { outcomes } = await this.submit([{ kind: "massCancel", market: this.market(symbol).id, side: null }]);
    if (outcomes[0]?.result === "rejected") throw rejected(outcomes[0]);
    await this.load();
  }

  refresh(): void {
    if (!document.hidden) void this.load();
  }

  private async load(): Promise<void> {
    const open = this.known.filter((known) => !known.closed);
    await Promise.all(open.map((known) => this.look(known).catch(() => undefined)));
    if (this.ended) return;
    this.show();
    await this.loadBalances();
  }

  private async look(known: Known): Promise<void> {
    const answer = await json<OrderAnswer>(`${NATIVE}/orders/${known.order.id}`);
    const detail = answer.order;
    if (!detail) return;
    const { market } = this.market(known.order.symbol);
    const before = parseDecimal(known.order.executed, market.quantityDecimals) ?? 0n;
    const executed = BigInt(detail.executed) * (parseDecimal(market.step, market.quantityDecimals) ?? 1n);
    known.order.executed = formatDecimal(executed, market.quantityDecimals);
    known.order.status = status(detail.status);
    known.closed = !["NEW", "PARTIALLY_FILLED"].includes(known.order.status);
    if (executed <= before) return;
    const quantity = formatDecimal(executed - before, market.quantityDecimals);
    const resting = Number(known.order.price) > 0;
    this.fills.value = [
      {
        id: `${known.order.id}-${executed}`,
        orderId: known.order.id,
        symbol: known.order.symbol,
        side: known.order.side,
        price: resting ? known.order.price : "",
        quantity,
        fee: "",
        feeAsset: market.quote,
        time: Date.now(),
        maker: before > 0n || Date.now() - known.order.time > 3_000,
        sequence: known.sequence,
      },
      ...this.fills.value,
    ].slice(0, MOST);
    toast("good", `${known.order.side === "buy" ? "Bought" : "Sold"} ${quantity} ${known.order.symbol}`);
  }

  /** Balances are those of the last sealed batch, proved under its state root and checked here. */
  private async loadBalances(): Promise<void> {
    try {
      const answer = await json<{ claim: string; balances: { asset: number; proof: string }[] }>(
        `${NATIVE}/accounts/${this.id}/balance-proof`,
      );
      const claim = await checker.claim(fromHex(answer.claim) ?? new Uint8Array());
      const root = fromHex(claim.stateRoot) ?? new Uint8Array();
      const balances = await Promise.all(
        answer.balances.map(async ({ asset, proof }) => {
          const found = await checker.checkBalance(root, this.id, asset, fromHex(proof) ?? new Uint8Array());
          const info = this.app.exchange.assets.find((info) => info.asset === asset);
          const text = (units: string): string => formatDecimal(BigInt(units), info?.decimals ?? 0);
          return { asset: info?.symbol ?? `asset ${asset}`, free: text(found.free), locked: text(found.locked) };
        }),
      );
      if (!this.ended) this.balances.value = balances;
    } catch {
      // Shown as they were; the Account page says why where it is asked for them.
    }
  }

  private show(): void {
    this.orders.value = this.known.filter((known) => !known.closed).map((known) => ({ ...known.order }));
    localStorage.setItem(this.place_, JSON.stringify({ known: this.known, fills: this.fills.value }));
  }
}

function status(native: string): string {
  return native.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** How many steps an amount has. */
function whole(text: string, step: string, decimals: number, what: string): bigint {
  const units = parseDecimal(text, decimals);
  const unit = parseDecimal(step, decimals) ?? 1n;
  if (units === null || units % unit !== 0n) {
    throw new ApiError(0, "step", `The ${what} is not a multiple of ${step}.`, "Change it to one.");
  }
  return units / unit;
}

function rejected(outcome: Outcome | undefined): ApiError {
  const reason = outcome?.message ?? outcome?.reason ?? `The exchange rejected it (${outcome?.code ?? "no outcome"}).`;
  return new ApiError(0, String(outcome?.code ?? "rejected"), reason, null);
}
