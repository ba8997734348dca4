// An account whose session key this browser holds: every order is chained to the account's stream and signed here, in wasm.
//
// The exchange tells the holder of the key what happens to the account from the moment he listens. What was before, this browser
// remembers of its own orders, and asks how they are.

import { ApiError, NATIVE, json, post } from "../api";
import type { App } from "../app";
import { checker, fromHex } from "../checker/checker";
import { parseDecimal } from "../decimal";
import { amountText, decimalText } from "../exchange";
import type { Market } from "../market/markets";
import { Signal } from "../signal";
import { toast } from "../ui/toast";
import { Executions, type Execution, type ExecutionOrder } from "./executions";
import type { NewOrder, OwnBalance, OwnFill, OwnOrder, Placed, Trader } from "./types";

const POLL = 5_000;
/** Orders, and fills, that are remembered. */
const MOST = 200;

interface Outcome {
  result: "done" | "accepted" | "rejected";
  order?: number;
  code?: number;
  reason?: string;
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
  private readonly memory: string;
  private readonly executions: Executions;
  /** Open orders, by number. */
  private readonly open = new Map<string, OwnOrder>();
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
    this.memory = `glassbook.orders.${app.exchange.contract}.${id}`;
    const kept = JSON.parse(localStorage.getItem(this.memory) ?? "{}") as { open?: OwnOrder[]; fills?: OwnFill[] };
    for (const order of kept.open ?? []) this.open.set(order.id, order);
    this.fills.value = kept.fills ?? [];
    this.timer = window.setInterval(() => this.refresh(), POLL);
    this.show();
    void this.check();
    this.executions = new Executions(
      async () => {
        const { serverTime } = await json<{ serverTime: number }>("/api/v3/time");
        const of = { chainId: app.exchange.chainId, exchange: app.exchange.contract, account: id, time: serverTime };
        return { account: id, timestamp: serverTime, signature: (await checker.signLogin(this.secret, of)).signature };
      },
      (execution) => this.told(execution),
      () => {
        this.refresh();
        void this.proveBalances();
      },
    );
    this.refresh();
  }

  end(): void {
    this.ended = true;
    clearInterval(this.timer);
    this.executions.end();
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

  private byNumber(id: number): Market | undefined {
    const info = this.app.exchange.markets.find((market) => market.market === id);
    return this.app.markets.find((market) => market.symbol === info?.symbol);
  }

  /** Signs and sends commands, one submission after another: each goes on where the stream was left. */
  private submit(commands: object[]): Promise<{ firstSequence: number; outcomes: Outcome[] }> {
    const work = async (): Promise<{ firstSequence: number; outcomes: Outcome[] }> => {
      if (this.digest === null) {
        const { stream } = await json<{ stream: { digest: string } }>(`${NATIVE}/accounts/${this.id}`);
        this.digest = stream.digest;
      }
      const signed = await checker.signStream(this.secret, fromHex(this.digest) ?? new Uint8Array(), commands);
      try {
        const answer = await json<{ firstSequence: number; outcomes: Outcome[] }>(
          `${NATIVE}/streams`,
          post({
            commands: signed.commands.map((command) => ({ account: this.id, command })),
            signatures: [{ account: this.id, signature: signed.signature }],
          }),
        );
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
    const ticks = (price: string | null): number => Number(whole(price ?? "", market.tick, market.priceDecimals, "price"));
    const stop = order.kind === "stop";
    const limit = order.kind === "limit" || (stop && order.price !== null);
    const { outcomes } = await this.submit([
      {
        kind: "place",
        market: id,
        side: order.side,
        type: limit ? "limit" : "market",
        price: limit ? ticks(order.price) : undefined,
        quantity: whole(order.quantity, market.step, market.quantityDecimals, "quantity").toString(),
        timeInForce: limit ? order.timeInForce : "ioc",
        postOnly: order.kind === "limit" && order.postOnly,
        trigger: stop
          ? { kind: order.rising === (order.side === "buy") ? "stopLoss" : "takeProfit", price: ticks(order.trigger) }
          : undefined,
      },
    ]);
    const outcome = accepted(outcomes[0]);
    const number = String(outcome.order);
    // What became of it is told on the other connection.
    for (let wait = 0; wait < 20 && !this.last.has(number); wait++) await new Promise((resolve) => setTimeout(resolve, 25));
    const now = this.last.get(number);
    return { id: number, status: now?.status ?? "NEW", executed: now?.executed ?? "0" };
  }

  /** Orders as they were told last, ended ones too. */
  private readonly last = new Map<string, OwnOrder>();

  async cancel(order: OwnOrder): Promise<void> {
    const { outcomes } = await this.submit([{ kind: "cancel", market: this.market(order.symbol).id, order: { id: order.id } }]);
    accepted(outcomes[0]);
    this.open.delete(order.id);
    this.show();
  }

  async cancelAll(symbol: string): Promise<void> {
    const { outcomes } = await this.submit([{ kind: "massCancel", market: this.market(symbol).id, side: null }]);
    accepted(outcomes[0]);
    for (const order of this.open.values()) if (order.symbol === symbol) this.open.delete(order.id);
    this.show();
  }

  /** Looks how remembered orders are whose news may have been missed. */
  refresh(): void {
    if (document.hidden) return;
    for (const known of this.open.values()) {
      void json<{ order: ExecutionOrder | null }>(`${NATIVE}/orders/${known.id}`).then(
        ({ order }) => {
          // Before its batch is sealed an order is nobody's business but the trader's, who was told.
          if (!order || this.ended) return;
          this.take(order);
          this.show();
        },
        () => undefined,
      );
    }
  }

  private told({ sequence, time, data }: Execution): void {
    for (const { order, trade } of data.orders ?? []) {
      this.take(order);
      const market = this.byNumber(order.market);
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
      if (this.fills.value.some((known) => known.id === own.id && known.orderId === own.orderId)) continue;
      this.fills.value = [own, ...this.fills.value].slice(0, MOST);
      if (own.maker) toast("good", `${own.side === "buy" ? "Bought" : "Sold"} ${own.quantity} ${market.base} at ${own.price}`, "Your resting order was taken.");
    }
    for (const { asset, free, locked } of data.balances ?? []) {
      const info = this.app.exchange.assets.find((info) => info.asset === asset);
      if (!info) continue;
      const now = { asset: info.symbol, free: amountText(info, free), locked: amountText(info, locked) };
      const others = this.balances.value.filter((known) => known.asset !== info.symbol);
      this.balances.value = [...others, now].sort((x, y) => this.place_(x.asset) - this.place_(y.asset));
    }
    this.show();
  }

  private place_(symbol: string): number {
    return this.app.exchange.assets.findIndex((asset) => asset.symbol === symbol);
  }

  private take(order: ExecutionOrder): void {
    const market = this.byNumber(order.market);
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

  /** Balances after the last sealed batch, proved under its state root and checked here; what happens later is told. */
  private async proveBalances(): Promise<void> {
    try {
      const answer = await json<{ claim: string; balances: { asset: number; proof: string }[] }>(`${NATIVE}/accounts/${this.id}/balance-proof`);
      const claim = await checker.claim(fromHex(answer.claim) ?? new Uint8Array());
      const root = fromHex(claim.stateRoot) ?? new Uint8Array();
      const proved = await Promise.all(
        answer.balances.map(async ({ asset, proof }) => {
          const found = await checker.checkBalance(root, this.id, asset, fromHex(proof) ?? new Uint8Array());
          const info = this.app.exchange.assets.find((info) => info.asset === asset);
          return { asset: info?.symbol ?? `asset ${asset}`, free: amountText(info, found.free), locked: amountText(info, found.locked) };
        }),
      );
      const told = new Set(this.balances.value.map((known) => known.asset));
      if (!this.ended) this.balances.value = [...proved.filter((balance) => !told.has(balance.asset)), ...this.balances.value];
    } catch {
      // The Account page says why where somebody asks for the proof.
    }
  }

  private show(): void {
    this.orders.value = [...this.open.values()].sort((x, y) => y.time - x.time);
    const kept = { open: this.orders.value.slice(0, MOST), fills: this.fills.value };
    localStorage.setItem(this.memory, JSON.stringify(kept));
  }
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

function accepted(outcome: Outcome | undefined): Outcome {
  if (outcome && outcome.result !== "rejected") return outcome;
  throw new ApiError(0, String(outcome?.code ?? "rejected"), outcome?.reason ?? `The exchange rejected it (${outcome?.code ?? "no outcome"}).`, null);
}
