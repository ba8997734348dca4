import assert from "node:assert/strict";
import { test } from "node:test";

import { rounded } from "../src/decimal";
import { faultOf, walk } from "../src/pages/trade/amount";

const rule = { what: "a quantity", unit: "BTC", step: "0.001", decimals: 3, most: "50" };

test("what is typed is taken, or refused with what to type instead", () => {
  for (const text of ["0.01", "1", "50", " 0.020 ", "0.0010000"]) assert.equal(faultOf(text, rule), null, text);
  for (const [text, words] of [
    ["", /^Enter a quantity/],
    ["abc", /^Not a number/],
    ["1e3", /^Not a number/],
    ["0,01", /with a point/],
    ["1,5", /with a point/],
    ["1,500", /without commas/],
    ["0", /^More than zero/],
    ["-1", /^More than zero/],
    ["0.0001", /^A multiple of 0.001 BTC/],
    ["50.001", /^At most 50 BTC/],
    ["99999999999999999999999999999", /^At most 50 BTC/],
  ] as const) {
    assert.match(faultOf(text, rule) ?? "", words, text);
  }
});

test("a market order takes level after level", () => {
  const levels: [number, number][] = [[100, 5], [101, 10]];
  assert.deepEqual(walk(levels, 7n), { cost: 702n, taken: 7n, worst: 101 });
  assert.deepEqual(walk(levels, 5n), { cost: 500n, taken: 5n, worst: 100 });
  assert.deepEqual(walk(levels, 99n), { cost: 1510n, taken: 15n, worst: 101 });
  assert.deepEqual(walk([], 1n), { cost: 0n, taken: 0n, worst: null });
});

test("amounts for people are rounded, however large", () => {
  assert.equal(rounded(123456n, 3, 2), "123.46");
  assert.equal(rounded(6_000_000_000_000_000_000_000_000_000_000_000n, 3, 2), "6,000,000,000,000,000,000,000,000,000,000.00");
  assert.equal(rounded(5n, 0, 2), "5");
});
