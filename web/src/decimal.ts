// Decimal strings as whole numbers of their last digit: nothing here is rounded by accident.

/**
 * `"12.5"` with 3 decimals is 12500n. Null where it is no decimal number, or has more digits. Commas are none: `1,500` is a thousand
 * and a half to some, and one and a half to others.
 */
export function parseDecimal(text: string, decimals: number): bigint | null {
  const match = /^(-?)(\d+)(?:\.(\d*))?$/.exec(text.trim());
  if (!match) return null;
  const [, sign, whole, fraction = ""] = match;
  const digits = fraction.replace(/0+$/, "");
  if (digits.length > decimals) return null;
  const units = BigInt(whole + digits.padEnd(decimals, "0"));
  return sign ? -units : units;
}

/** The text of a whole number of last digits. */
export function formatDecimal(units: bigint, decimals: number): string {
  const negative = units < 0n;
  const digits = (negative ? -units : units).toString().padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = decimals > 0 ? `.${digits.slice(-decimals)}` : "";
  return `${negative ? "−" : ""}${whole}${fraction}`;
}

/** With a thin gap between thousands, which is how the page writes numbers for people. */
export function group(text: string): string {
  const [whole = "", fraction] = text.replace("-", "−").split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** Without the zeros that say nothing. */
export function trim(text: string): string {
  return text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, "") : text;
}

/** With so many digits after the point; more only where they are not zeros. APIs write eight whatever the market. */
export function tidy(text: string, decimals: number): string {
  const [whole = "0", fraction = ""] = trim(text).split(".");
  const digits = fraction.padEnd(decimals, "0");
  return digits === "" ? whole : `${whole}.${digits}`;
}

/** How many digits after the point a step such as `0.010` has that matter. */
export function decimalsOf(step: string): number {
  return trim(step).split(".")[1]?.length ?? 0;
}

/** Of so many decimals, with fewer: rounded half up, for people. */
export function rounded(units: bigint, decimals: number, kept: number): string {
  if (kept >= decimals) return group(formatDecimal(units, decimals));
  const cut = 10n ** BigInt(decimals - kept);
  return group(formatDecimal((units + cut / 2n) / cut, kept));
}

/** A large number in few characters: 1.25M. Only for overviews. */
export function compact(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  for (const [from, letter] of [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e4, "K"]] as const) {
    if (size >= from) {
      const short = value / (letter === "K" ? 1e3 : from);
      return `${short.toFixed(Math.abs(short) >= 100 ? 0 : Math.abs(short) >= 10 ? 1 : 2)}${letter}`;
    }
  }
  return size >= 100 ? value.toFixed(0) : size >= 1 ? value.toFixed(2) : trim(value.toFixed(4));
}

export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  if (count < 1024 * 1024) return `${(count / 1024).toFixed(1)} KiB`;
  return `${(count / 1024 / 1024).toFixed(2)} MiB`;
}
