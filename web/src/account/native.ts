// An account whose session key this browser holds: every order is chained to the account's stream and signed here, in wasm.
//
// The exchange tells the holder of the key what happens to the account from the moment he listens. What was before, this browser
// remembers of its own orders, and asks how they are.

import { ApiError, NATIVE, json, post } from "../api";
import type { App } from "../app";
import { checker, fromHex } from "../checker/checker";
import { parseDecimal } from "../decimal";
import { amountText } from "../exchange";
import type { Market } from "../market/markets";
import { remedyOf } from "../remedies";
import { Signal } from "../signal";
import { Executions, type ExecutionOrder } from "./executions";
import { Ledger } from "./ledger";
import type { NewOrder, OwnBalance, OwnFill, OwnOrder, Placed, Trader } from "./types";

const POLL = 30_000;
/** Orders that are looked at then, the oldest first. */
const LOOKED = 40;
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
  readonly orders: Signal<OwnOrder[]>;
  readonly fills: Signal<OwnFill[]>;
  readonly balances: Signal<OwnBalance[]>;
  readonly trouble = new Signal<string | null>(null);
  private readonly secret: Uint8Array;
  private readonly timer: number;
  private readonly memory: string;
  private readonly executions: Executions;
  private readonly ledger: Ledger;
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
    this.ledger = new Ledger(app);
    ({ orders: this.orders, fills: this.fills, balances: this.balances } = this.ledger);
    this.ledger.setOrders(kept.open ?? []);
    this.ledger.addFills(kept.fills ?? []);
    this.timer = window.setInterval(() => this.refresh(), POLL);
    void this.check();
    this.executions = new Executions(
      async () => {
        const { serverTime } = await json<{ serverTime: number }>("/api/v3/time");
        const of = { chainId: app.exchange.chainId, exchange: app.exchange.contract, account: id, time: serverTime };
        return { account: id, timestamp: serverTime, signature: (await checker.signLogin(this.secret, of)).signature };
      },
      (execution) => {
        this.ledger.tell(execution);
        this.remember();
      },
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

  /** Signs and sends commands, one submission after another: each goes on where the stream was left. */
  private submit(commands: object[]): Promise<{ firstSequence: number; outcomes: Outcome[] }> {
    const work = async (): Promise<{ firstSequence: number; outcomes: Outcome[] }> => {
      const known = this.digest !== null;
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
        // What does not fit the stream was not taken: it is signed once more from where the stream is.
        if (known && error instanceof ApiError && error.status === 401) return work();
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
    for (let wait = 0; wait < 20 && !this.ledger.last.has(number); wait++) await new Promise((resolve) => setTimeout(resolve, 25));
    const now = this.ledger.last.get(number);
    return { id: number, status: now?.status ?? "NEW", executed: now?.executed ?? "0" };
  }

  async cancel(order: OwnOrder): Promise<void> {
    const { outcomes } = await this.submit([{ kind: "cancel", market: this.market(order.symbol).id, order: { id: order.id } }]);
    accepted(outcomes[0]);
    this.ledger.remove((known) => known.id === order.id);
    this.remember();
  }

  async cancelAll(symbol: string): Promise<void> {
    const { outcomes } = await this.submit([{ kind: "massCancel", market: this.market(symbol).id, side: null }]);
    accepted(outcomes[0]);
    this.ledger.remove((known) => known.symbol === symbol);
    this.remember();
  }

  /** Looks how remembered orders are whose news may have been missed. */
  refresh(): void {
    if (document.hidden) return;
    for (const known of this.orders.value.slice(-LOOKED)) {
      void json<{ order: ExecutionOrder | null }>(`${NATIVE}/orders/${known.id}`).then(
        ({ order }) => {
          // Before its batch is sealed an order is nobody's business but the trader's, who was told.
          if (!order || this.ended) return;
          this.ledger.take(order);
          this.ledger.showOrders();
          this.remember();
        },
        () => undefined,
      );
    }
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
      if (!this.ended) this.ledger.setBalances(proved.filter((balance) => !told.has(balance.asset)));
    } catch {
      // The Account page says why where somebody asks for the proof.
    }
  }

  private remember(): void {
    const kept = { open: this.orders.value.slice(0, MOST), fills: this.fills.value.slice(0, MOST) };
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
  const code = String(outcome?.code ?? "rejected");
  const reason = outcome?.reason ?? `The exchange rejected it (${code}).`;
  throw new ApiError(0, code, reason, remedyOf(code, reason));
}
