// Times as people read them.

const clockFormat = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const dayFormat = new Intl.DateTimeFormat(undefined, { month: "short", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

/** The time of day. */
export function clock(milliseconds: number): string {
  return clockFormat.format(milliseconds);
}

/** The time of day, with the date where it is another day. */
export function moment(milliseconds: number): string {
  const near = Math.abs(Date.now() - milliseconds) < 20 * 3600_000;
  return near ? clockFormat.format(milliseconds) : dayFormat.format(milliseconds);
}

/** A span of time. */
export function span(milliseconds: number): string {
  const ms = Math.max(0, milliseconds);
  if (ms < 1) return "under 1 ms";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 100_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 3600_000 * 1.5) return `${Math.round(ms / 60_000)} min`;
  if (ms < 86_400_000 * 2) return `${Math.round(ms / 3600_000)} h`;
  return `${Math.round(ms / 86_400_000)} days`;
}

/** How long ago. */
export function ago(milliseconds: number): string {
  const passed = Date.now() - milliseconds;
  return passed < 1500 ? "now" : `${span(passed)} ago`;
}
