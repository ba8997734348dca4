// Asks the worker. The secret keys of a session pass through it, too: it is part of this page, and speaks to nobody else.

import type { CheckedProof, CheckedReceipt, CheckedSample, Claim, OpenedBlock, Receipt, Verified } from "./types";

export type Progress = (done: number, total: number) => void;

/** What was to be checked does not hold, or was no proper request. */
export class CheckError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

interface Waiting {
  done: (value: any) => void;
  failed: (error: Error) => void;
  progress?: Progress;
}

const text = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
const nothing = new Uint8Array();

class Worker_ {
  private worker: Worker | null = null;
  private readonly waiting = new Map<number, Waiting>();
  private nextId = 1;

  ask<T>(operation: string, inputs: Uint8Array[], progress?: Progress): Promise<T> {
    this.worker ??= this.start();
    const id = this.nextId++;
    return new Promise<T>((done, failed) => {
      this.waiting.set(id, { done, failed, progress });
      this.worker?.postMessage({ id, operation, inputs });
    });
  }

  private start(): Worker {
    const worker = new Worker("assets/worker.js");
    worker.onmessage = ({ data }: MessageEvent<any>) => {
      const waiting = this.waiting.get(data.id);
      if (!waiting) return;
      if (data.progress) {
        waiting.progress?.(data.progress[0], data.progress[1]);
        return;
      }
      this.waiting.delete(data.id);
      if (data.error) waiting.failed(new CheckError(data.error.code, data.error.message));
      else waiting.done(data.ok);
    };
    worker.onerror = (event) => {
      for (const waiting of this.waiting.values()) waiting.failed(new CheckError("load", event.message || "the checker did not start"));
      this.waiting.clear();
      this.worker = null;
    };
    return worker;
  }
}

// Batches may take a second; an order's signature must not wait for them.
const batches = new Worker_();
const quick = new Worker_();

export const checker = {
  verifyBatch: (sealed: Uint8Array, before: Uint8Array | null, account: number | null, progress: Progress): Promise<Verified> =>
    batches.ask("batch.verify", [sealed, before ?? nothing, account === null ? nothing : text(String(account))], progress),
  makeReceipt: (sealed: Uint8Array, sequence: string): Promise<Receipt> =>
    batches.ask("receipt.make", [sealed, text(sequence)]),
  openBatch: (sealed: Uint8Array): Promise<{ claim: Claim }> => batches.ask("batch.open", [sealed]),
  claim: (encoded: Uint8Array): Promise<Claim> => quick.ask("claim", [encoded]),
  checkReceipt: (claim: Uint8Array, receipt: Receipt): Promise<CheckedReceipt> =>
    quick.ask("receipt.check", [claim, text(receipt)]),
  checkProof: (file: Uint8Array): Promise<CheckedProof> => batches.ask("proof.check", [file]),
  openBlock: (block: unknown, commitment: string): Promise<OpenedBlock> =>
    quick.ask("samples.open", [text(block), text(commitment)]),
  checkSamples: (block: unknown, commitment: string, answer: Uint8Array): Promise<CheckedSample[]> =>
    quick.ask("samples.check", [text(block), text(commitment), answer]),
  samplesWorth: (data: number, parity: number, count: number): Promise<{ bits: number; certain: boolean; withheld: number }> =>
    quick.ask("samples.worth", [text(String(data)), text(String(parity)), text(String(count))]),
  checkBalance: (root: Uint8Array, account: number, asset: number, proof: Uint8Array): Promise<{ free: string; locked: string; present: boolean; slot: number }> =>
    quick.ask("balance.check", [root, text(String(account)), text(String(asset)), proof]),
  publicKey: (secret: Uint8Array): Promise<{ key: string }> => quick.ask("key.public", [secret]),
  streamStart: (of: unknown): Promise<{ digest: string; position: string }> => quick.ask("stream.start", [text(of)]),
  signStream: (secret: Uint8Array, digest: Uint8Array, commands: unknown[]): Promise<{ commands: string[]; digest: string; signature: string }> =>
    quick.ask("stream.sign", [secret, digest, text(commands)]),
  signLogin: (secret: Uint8Array, of: unknown): Promise<{ signature: string }> => quick.ask("login.sign", [secret, text(of)]),
  encodeCommand: (command: unknown): Promise<{ command: string }> => quick.ask("command.encode", [text(command)]),
  ownerAddress: (secret: Uint8Array): Promise<{ address: string }> => quick.ask("owner.address", [secret]),
  ownerDigest: (of: unknown): Promise<{ digest: string }> => quick.ask("owner.digest", [text(of)]),
  ownerSign: (secret: Uint8Array, digest: Uint8Array): Promise<{ signature: string }> => quick.ask("owner.sign", [secret, digest]),
};

export function toHex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Null where these are not hexadecimal digits of whole bytes. */
export function fromHex(digits: string): Uint8Array<ArrayBuffer> | null {
  const bare = digits.trim().replace(/^0x/i, "");
  if (bare.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(bare)) return null;
  return Uint8Array.from({ length: bare.length / 2 }, (_, at) => parseInt(bare.slice(2 * at, 2 * at + 2), 16));
}
