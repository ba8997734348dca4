import assert from "node:assert/strict";
import { test } from "node:test";

import { compact, decimalsOf, formatDecimal, group, parseDecimal, tidy, trim } from "../src/decimal";
import { decimalText } from "../src/exchange";

test("a decimal string is a whole number of last digits, and comes back", () => {
  for (const [text, decimals, units] of [["12.5", 3, 12500n], ["0.001", 3, 1n], ["7", 0, 7n], ["1234.50", 2, 123450n], ["90071992547409930.12", 2, 9007199254740993012n]] as const) {
    assert.equal(parseDecimal(text, decimals), units, text);
    assert.equal(parseDecimal(formatDecimal(units, decimals), decimals), units, text);
  }
});

test("what is no decimal number, or has more digits, is none", () => {
  for (const text of ["", ".", "1e3", "0x10", "1.2.3", "abc", "1.0001", "--1", "0,01", "1,5", "0,010", "12,34", "1,2345", "1,500", "1,234.50"]) assert.equal(parseDecimal(text, 3), null, text);
  assert.equal(parseDecimal("1.000000", 3), 1000n, "zeros that say nothing");
});

test("steps become decimal numbers without rounding", () => {
  assert.equal(decimalText("25", "0.001"), "0.025");
  assert.equal(decimalText("64243", "1.00"), "64243");
  assert.equal(decimalText("3", "0.0500"), "0.15");
  assert.equal(decimalText("18446744073709551615", "0.1"), "1844674407370955161.5");
});

test("numbers for people", () => {
  assert.equal(group("1234567.25"), "1,234,567.25");
  assert.equal(trim("64250.00"), "64250");
  assert.equal(decimalsOf("0.0100"), 2);
  assert.equal(compact(79_312_345), "79.3M");
  assert.equal(compact(0.1617), "0.1617");
});

test("eight digits of an API become the market's own", () => {
  assert.equal(tidy("64236.00000000", 0), "64236");
  assert.equal(tidy("0.02600000", 3), "0.026");
  assert.equal(tidy("3412.50000000", 1), "3412.5");
  assert.equal(tidy("3412.00000000", 1), "3412.0");
  assert.equal(tidy("0.00012300", 3), "0.000123", "digits that say something stay");
});
