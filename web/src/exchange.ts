// What exchange it is, as its native API says.

import { NATIVE, json } from "./api";
import { decimalsOf, formatDecimal, parseDecimal, trim } from "./decimal";

export interface AssetInfo {
  asset: number;
  symbol: string;
  /** One quantum is `step` × 10^−`decimals` as shown. */
  step?: number;
  decimals: number;
}

export interface MarketInfo {
  market: number;
  symbol: string;
  tickSize: string;
  lotSize: string;
  makerFee: number;
  takerFee: number;
  phase: string;
}

export interface ExchangeInfo {
  chainId: number;
  contract: string;
  l1Url: string | null;
  program: string | null;
  /** `executed` where there are no proofs. */
  proofs: string;
  proofStatement: string;
  dataAvailability: { url: string } | null;
  assets: AssetInfo[];
  markets: MarketInfo[];
  batch: { lastSealed: number; lastFinal: number };
  sequence: number;
}

/** An amount in quanta, in the asset's own digits. */
export function amountText(asset: AssetInfo | undefined, quanta: string): string {
  return formatDecimal(BigInt(quanta) * BigInt(asset?.step ?? 1), asset?.decimals ?? 0);
}

/** So many steps, as a decimal number: `decimalText("25", "0.001")` is `0.025`. */
export function decimalText(steps: string, step: string): string {
  const decimals = decimalsOf(step);
  return formatDecimal(BigInt(steps) * (parseDecimal(trim(step), decimals) ?? 1n), decimals);
}

/** Of an exchange that does not tell: the page then shows markets and nothing of proofs. */
const UNKNOWN: ExchangeInfo = {
  chainId: 0,
  contract: "",
  l1Url: null,
  program: null,
  proofs: "unknown",
  proofStatement: "",
  dataAvailability: null,
  assets: [],
  markets: [],
  batch: { lastSealed: 0, lastFinal: 0 },
  sequence: 0,
};

export async function loadExchange(): Promise<ExchangeInfo> {
  try {
    return { ...UNKNOWN, ...(await json<ExchangeInfo>(`${NATIVE}/exchange`)) };
  } catch {
    return UNKNOWN;
  }
}
