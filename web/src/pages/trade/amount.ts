// What is wrong with a price or a quantity that somebody typed, in words that say what to type instead.

import { group, parseDecimal } from "../../decimal";

export interface AmountRule {
  /** Of what, in a sentence: `a price`. */
  what: string;
  unit: string;
  /** As a decimal number, such as `0.001`. */
  step: string;
  /** Digits after the point. */
  decimals: number;
  /** The most that the market takes; null where it does not say. */
  most: string | null;
}

/** Enough to tell a number with too many digits from what is none. */
const ANY = 60;

/** Null where nothing is wrong. */
export function faultOf(text: string, { what, unit, step, decimals, most }: AmountRule): string | null {
  const typed = text.trim();
  if (typed === "") return `Enter ${what}: a multiple of ${step} ${unit}.`;
  const any = parseDecimal(typed, ANY);
  if (any === null) {
    return typed.includes(",")
      ? `Write it without commas, and decimals with a point, as in ${step}.`
      : `Not a number. Write digits only, and a point before decimals, as in ${step}.`;
  }
  if (any <= 0n) return `More than zero: a multiple of ${step} ${unit}.`;
  const units = parseDecimal(typed, decimals);
  const by = parseDecimal(step, decimals) ?? 1n;
  if (units === null || units % by !== 0n) return `A multiple of ${step} ${unit}.`;
  const limit = most === null ? null : parseDecimal(most, decimals);
  if (limit !== null && units > limit) return `At most ${group(most ?? "")} ${unit}.`;
  return null;
}

/** What an amount costs that takes one level of the book after the other, in price units times quantity units. */
export function walk(levels: readonly [price: number, quantity: number][], amount: bigint): { cost: bigint; taken: bigint; worst: number | null } {
  let [cost, taken] = [0n, 0n];
  let worst: number | null = null;
  for (const [price, quantity] of levels) {
    const left = amount - taken;
    if (left <= 0n) break;
    const part = BigInt(quantity) < left ? BigInt(quantity) : left;
    cost += BigInt(price) * part;
    taken += part;
    worst = price;
  }
  return { cost, taken, worst };
}
