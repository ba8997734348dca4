// Executing batches again in this browser, and what came of it.

import { NATIVE, binary } from "../api";
import type { App } from "../app";
import { checker, fromHex } from "../checker/checker";
import type { Claim, Verified } from "../checker/types";
import { group } from "../decimal";
import { Signal } from "../signal";
import { explain } from "../ui/toast";
import { digestOf } from "./batches";
import { askL1, type L1Fact } from "./l1";

export interface Verification {
  state: "downloading" | "executing" | "holds" | "fails";
  done: number;
  total: number;
  /** In milliseconds: the execution alone. */
  took: number;
  result: Verified | null;
  /** Whether the claim before was verified in this page, too, or only taken from the exchange. */
  before: "verified here" | "as the exchange gave it" | "first batch";
  /** Whether the claim is the one whose digest the exchange says is settled; null where it says none. */
  digestAgrees: boolean | null;
  /** What a node of the chain says, asked by this page. */
  l1: L1Fact | null;
  why: string | null;
}

/** Where a sealed batch has its claim. */
const CLAIM_AT = 8;
const CLAIM_BYTES = 416;
/** Verifications that are remembered, and those of them whose commands are. */
const MOST = 500;
const WITH_ROWS = 20;

export class Verifying {
  readonly all = new Map<number, Verification>();
  /** Told of a batch whose verification moved. */
  readonly changed = new Signal(0);
  /** Executes every new batch as it is sealed. */
  readonly following = new Signal(false);
  private readonly claims = new Map<number, Uint8Array>();
  private running: Promise<unknown> = Promise.resolve();
  private queue = 0;

  constructor(private readonly app: App) {
    app.batches.changed.watch(() => this.follow());
    this.following.watch(() => this.follow());
  }

  /** Executes a batch again; one after another. */
  verify(number: number): Promise<Verification> {
    this.queue++;
    const run = (): Promise<Verification> => this.run(number).finally(() => this.queue--);
    const next = this.running.then(run, run);
    this.running = next;
    return next;
  }

  private follow(): void {
    // Where this browser is slower than the exchange seals, batches are left out rather than piled up.
    const last = this.app.batches.last;
    if (!this.following.value || this.queue > 0 || last === 0 || this.all.has(last)) return;
    void this.verify(last).then(() => this.follow());
  }

  private async run(number: number): Promise<Verification> {
    const now: Verification = {
      state: "downloading",
      done: 0,
      total: 0,
      took: 0,
      result: null,
      before: "first batch",
      digestAgrees: null,
      l1: null,
      why: null,
    };
    this.all.delete(number);
    this.all.set(number, now);
    const tell = (): void => this.changed.tell();
    const progress = (done: number, total: number): void => {
      now.done = done;
      now.total = total;
      tell();
    };
    tell();
    try {
      const sealed = await binary(`${NATIVE}/batches/${number}/sealed`, progress);
      let before: Uint8Array | null = null;
      if (number > 1) {
        const known = this.claims.get(number - 1);
        before = known ?? (await claimOf(this.app, number - 1));
        now.before = known ? "verified here" : "as the exchange gave it";
      }
      now.state = "executing";
      now.done = now.total = 0;
      tell();
      const start = performance.now();
      const result = await checker.verifyBatch(sealed, before, null, progress);
      now.took = performance.now() - start;
      if (result.claim.batch !== String(number)) throw new Error(`The exchange sent batch ${result.claim.batch} instead.`);
      now.result = result;
      const encoded = fromHex(result.claim.encoded);
      if (encoded) this.claims.set(number, encoded);
      const batch = this.app.batches.all.get(number) ?? (await this.app.batches.load(number).catch(() => null));
      const digest = batch && digestOf(batch);
      now.digestAgrees = digest ? digest === result.claim.digest : null;
      if (now.digestAgrees === false) throw new Error("The batch is true, but its claim is not the one that the exchange says it settles.");
      now.l1 = await askL1(this.app.exchange, number);
      if (now.l1?.digest && now.l1.digest !== result.claim.digest) throw new Error("The batch is true, but the contract has another claim for it.");
      now.state = "holds";
    } catch (error) {
      now.state = "fails";
      now.why = explain(error).message;
    }
    this.forget();
    tell();
    return now;
  }

  /** A page that verifies for days must not grow. */
  private forget(): void {
    const numbers = [...this.all.keys()];
    for (const number of numbers.slice(0, -MOST)) {
      this.all.delete(number);
      this.claims.delete(number);
    }
    for (const number of numbers.slice(-MOST, -WITH_ROWS)) {
      const result = this.all.get(number)?.result;
      if (!result || result.rows.length === 0) continue;
      result.moreRows += result.rows.length;
      result.rows = [];
    }
  }
}

/** A batch's claim as the exchange gives it; else from the beginning of its file, of which the rest is not downloaded. */
export async function claimOf(app: App, number: number): Promise<Uint8Array> {
  const listed = app.batches.all.get(number) ?? (await app.batches.load(number).catch(() => null));
  const told = fromHex(listed?.claim ?? "");
  if (told?.length === CLAIM_BYTES) return told;
  const response = await fetch(`${NATIVE}/batches/${number}/sealed`, { credentials: "omit" });
  if (!response.ok || !response.body) throw new Error(`The exchange does not give batch ${number}, which it must follow.`);
  const reader = response.body.getReader();
  const bytes = new Uint8Array(CLAIM_AT + CLAIM_BYTES);
  let filled = 0;
  while (filled < bytes.length) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`Batch ${number}, which it must follow, is cut short.`);
    const part = value.subarray(0, bytes.length - filled);
    bytes.set(part, filled);
    filled += part.length;
  }
  void reader.cancel().catch(() => undefined);
  return bytes.subarray(CLAIM_AT);
}

/** The claim of a batch in a sentence for people. */
export function story(claim: Claim): string {
  const count = Number(claim.lastSequence) - Number(claim.firstSequence) + 1;
  const taken = Number(claim.l1Position);
  const none = /^0*$/.test(claim.withdrawalsRoot);
  return (
    `Batch ${claim.batch} takes the exchange from the state ${short(claim.previousRoot)} to the state ${short(claim.stateRoot)} by ` +
    `${count.toLocaleString("en")} ${count === 1 ? "command" : "commands"}, number ${group(claim.firstSequence)} to ${group(claim.lastSequence)}, ` +
    `each authorised and executed in order by the rules. ${taken.toLocaleString("en")} ${taken === 1 ? "entry" : "entries"} of the L1 queue ` +
    `${taken === 1 ? "has" : "have"} been taken so far. ${none ? "Nothing is withdrawn." : "Withdrawals are due on L1."}`
  );
}

export function short(hash: string): string {
  const bare = hash.replace(/^0x/, "");
  return `${bare.slice(0, 6)}…${bare.slice(-4)}`;
}
