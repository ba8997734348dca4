// Batches on their way from sealed to final: listed once, then told by the exchange as they move.

import { NATIVE, json } from "../api";
import { Signal } from "../signal";

/** The stages of a batch's life that people are shown, in order. */
export const STAGES = ["sealed", "available", "committed", "proved", "final"] as const;
export type Stage = (typeof STAGES)[number];

export interface Step {
  state: string;
  time: number | null;
  l1Block?: { number: number; hash: string } | null;
  tx?: string | null;
}

export interface Batch {
  batch: number;
  /** In the words of whoever settles it. */
  state: string;
  stage: string;
  commands: [number, number] | null;
  claimDigest?: string | null;
  stateRoot?: string | null;
  /** The claim, encoded. */
  claim?: string | null;
  /** What stands behind "proved". */
  proofs?: string | null;
  /** First and last batch of its proof. */
  proof?: [number, number] | null;
  steps: Step[];
  entered: Record<string, number>;
  l1?: Record<string, { block?: { number: number; hash: string }; transaction?: string | null; gas?: number | null }>;
  trouble?: string | null;
}

/** Which stage each of settlement's states belongs to. */
const STAGE_OF: Record<string, Stage> = {
  sealed: "sealed",
  published: "available",
  available: "available",
  committing: "available",
  committed: "committed",
  proving: "committed",
  proved: "proved",
  submitted: "proved",
  confirmed: "proved",
  finalising: "proved",
  final: "final",
};

/** Lists are asked for no more often than this. */
const TOGETHER = 700;
/** Without news for so long, it is asked for. */
const QUIET = 2_500;
const KEPT = 400;
const FIRST = 60;

export class Batches {
  /** By number. */
  readonly all = new Map<number, Batch>();
  /** Told after each change. */
  readonly changed = new Signal(0);
  /** Whether the exchange tells of batches at all, and news arrives. */
  readonly live = new Signal<"connecting" | "live" | "offline" | "none">("connecting");
  private events: EventSource | null = null;
  private readonly wanted = new Set<number>();
  private asking = false;
  private asked = 0;
  private heard = 0;
  /** The latest time that was told of, and when. */
  private latest = 0;
  private latestHeard = 0;

  constructor() {
    void this.start();
  }

  get last(): number {
    return Math.max(0, ...this.all.keys());
  }

  get lastFinal(): number {
    let last = 0;
    for (const batch of this.all.values()) if (stageOf(batch) === "final") last = Math.max(last, batch.batch);
    return last;
  }

  /**
   * What time it is where batches get theirs. A development chain makes a block a second or a transaction, whichever is sooner, so
   * that its clock may be ahead.
   */
  get now(): number {
    return Math.max(Date.now(), this.latest + (Date.now() - this.latestHeard));
  }

  /** How far that clock is ahead, in milliseconds. */
  get ahead(): number {
    return this.now - Date.now();
  }

  /** Newest first. */
  newest(count: number): Batch[] {
    return [...this.all.values()].sort((x, y) => y.batch - x.batch).slice(0, count);
  }

  /** The first command of the oldest batch that is known here. */
  get begins(): number {
    let first = Infinity;
    for (const { commands } of this.all.values()) if (commands) first = Math.min(first, commands[0]);
    return first;
  }

  /** The batch that holds a command, if it is known here. */
  holding(sequence: number): Batch | null {
    for (const batch of this.all.values()) {
      if (batch.commands && sequence >= batch.commands[0] && sequence <= batch.commands[1]) return batch;
    }
    return null;
  }

  async load(number: number): Promise<Batch> {
    const batch = await json<Batch>(`${NATIVE}/batches/${number}`);
    this.take(batch);
    this.changed.value++;
    return batch;
  }

  private async start(): Promise<void> {
    for (let pause = 500; ; pause = Math.min(pause * 2, 10_000)) {
      try {
        const { batch } = await json<{ batch: { lastSealed: number } }>(`${NATIVE}/exchange`);
        const from = Math.max(1, batch.lastSealed - FIRST + 1);
        for (const found of await json<Batch[]>(`${NATIVE}/batches?from=${from}&limit=${FIRST + 20}`)) this.take(found);
        this.changed.value++;
        break;
      } catch {
        this.live.value = "none";
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
    this.listen();
    // Where nobody settles, nothing is told; and what is told may be late.
    setInterval(() => {
      if (!document.hidden && Date.now() - this.heard > QUIET) this.again();
    }, QUIET);
  }

  private listen(): void {
    const events = new EventSource(`${NATIVE}/events`);
    this.events = events;
    events.onopen = () => {
      this.live.value = "live";
      this.again();
    };
    // The browser connects again by itself.
    events.onerror = () => {
      this.live.value = "offline";
      if (events.readyState === EventSource.CLOSED && this.events === events) setTimeout(() => this.listen(), 3_000);
    };
    const moved = (event: MessageEvent<string>): void => {
      this.heard = Date.now();
      const { batch } = JSON.parse(event.data) as { batch?: number };
      if (typeof batch === "number") this.ask(batch);
      else this.again();
    };
    events.addEventListener("batch", moved);
    events.addEventListener("missed", () => this.again());
  }

  /** What may have changed unseen. */
  private again(): void {
    const { last } = this;
    // Old ones that never move are not asked for again and again.
    for (const batch of this.all.values()) if (batch.batch > last - 60 && stageOf(batch) !== "final") this.wanted.add(batch.batch);
    this.wanted.add(last + 1);
    void this.askAll();
  }

  private ask(number: number): void {
    this.wanted.add(number);
    void this.askAll();
  }

  private async askAll(): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    while (this.wanted.size > 0) {
      // Many move at once: they are asked for together, and not too often, for the exchange counts.
      await new Promise((resolve) => setTimeout(resolve, Math.max(100, this.asked + TOGETHER - Date.now())));
      this.asked = Date.now();
      const numbers = [...this.wanted].sort((x, y) => x - y);
      this.wanted.clear();
      const last = numbers[numbers.length - 1] ?? 1;
      const first = Math.max(1, numbers[0] ?? 1, last - 100);
      // With those that were sealed meanwhile.
      const count = last - first + 20;
      try {
        const listed = await json<Batch[]>(`${NATIVE}/batches?from=${first}&limit=${Math.min(count, 500)}`);
        for (const found of listed) this.take(found);
        this.changed.value++;
      } catch {
        for (const number of numbers) this.wanted.add(number);
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      }
    }
    this.asking = false;
  }

  private take(batch: Batch): void {
    this.all.set(batch.batch, batch);
    const latest = Math.max(0, ...Object.values(times(batch)));
    if (latest > this.latest) {
      this.latest = latest;
      this.latestHeard = Date.now();
    }
    if (this.all.size <= KEPT) return;
    const oldest = Math.min(...this.all.keys());
    this.all.delete(oldest);
  }
}

export function stageOf(batch: Batch): Stage | "failed" {
  if (batch.state === "failed") return "failed";
  return STAGE_OF[batch.state] ?? STAGE_OF[batch.stage] ?? "sealed";
}

/** What a stage is called: what was only executed is never called proved. */
export function stageName(stage: Stage | "failed", exchange: { proofs: string }): string {
  return stage === "proved" && exchange.proofs === "executed" ? "attested" : stage;
}

/** When a batch reached each stage, in milliseconds since 1970. */
export function times(batch: Batch): Partial<Record<Stage, number>> {
  const found: Partial<Record<Stage, number>> = {};
  const note = (stage: Stage | undefined, time: number | null | undefined): void => {
    if (!stage || typeof time !== "number") return;
    const known = found[stage];
    if (known === undefined || time < known) found[stage] = time;
  };
  for (const [state, time] of Object.entries(batch.entered ?? {})) note(STAGE_OF[state], time);
  for (const step of batch.steps ?? []) note(STAGE_OF[step.state], step.time);
  return found;
}

export function digestOf(batch: Batch): string | null {
  return (batch.claimDigest ?? null)?.replace(/^0x/, "") ?? null;
}

export function proofsOf(batch: Batch): string | null {
  return batch.proofs ?? null;
}
