// What the contract says of a batch, asked of a node of the chain by this page itself, where that node answers browsers.

import type { ExchangeInfo } from "../exchange";

/** First four bytes of the Keccak hashes of `claimHash(uint64)` and `finalBatch()`. */
const CLAIM_HASH = "b44059b9";
const FINAL_BATCH = "8d6b3b6b";
const PATIENCE = 5_000;

export interface L1Fact {
  /** The digest of the claim that the contract has for the batch; null where it has none. */
  digest: string | null;
  /** The last final batch there. */
  finalBatch: number;
}

/** Null where no node is named, or it does not answer. */
export async function askL1(exchange: ExchangeInfo, batch: number): Promise<L1Fact | null> {
  if (!exchange.l1Url || !exchange.contract) return null;
  const url = exchange.l1Url;
  const call = async (data: string): Promise<string | null> => {
    const answer = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_call", params: [{ to: exchange.contract, data: `0x${data}` }, "latest"] }),
      signal: AbortSignal.timeout(PATIENCE),
      credentials: "omit",
    });
    const { result } = (await answer.json()) as { result?: string };
    return typeof result === "string" && result.length === 66 ? result.slice(2) : null;
  };
  try {
    const [digest, last] = await Promise.all([call(CLAIM_HASH + batch.toString(16).padStart(64, "0")), call(FINAL_BATCH)]);
    return last === null ? null : { digest: digest && !/^0+$/.test(digest) ? digest : null, finalBatch: Number(BigInt(`0x${last}`)) };
  } catch {
    return null;
  }
}
