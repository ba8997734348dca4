// Health: what the exchange measures of itself, and how far this page is behind it.

import { plain } from "../api";
import type { App } from "../app";
import { compact, group } from "../decimal";
import { fill, h, icon, s } from "../dom";
import { stageName, stageOf, STAGES } from "../proofs/batches";
import { Scope } from "../signal";
import { span } from "../time";
import { symbols } from "../ui/symbols";
import { explain } from "../ui/toast";

const EVERY = 2_000;
const KEPT = 90;
const SOME = 15;

type Metrics = Map<string, { name: string; labels: string; value: number }>;

export function healthPage(app: App, scope: Scope): HTMLElement {
  document.title = "Health · Glassbook";
  const state = h("div", { class: "row" });
  const tiles = h("div", { class: "tiles" });
  const raw = h("pre", { class: "metrics", tabindex: "0", "aria-label": "All figures" });
  const history = new Map<string, number[]>();
  let before: { at: number; metrics: Metrics } | null = null;

  const trend = (name: string, value: number): SVGSVGElement => {
    const known = history.get(name) ?? [];
    if (!Number.isNaN(value)) known.push(value);
    if (known.length > KEPT) known.shift();
    history.set(name, known);
    const [low, high] = [Math.min(...known), Math.max(...known)];
    // From the left, and across the whole width as soon as there is enough to see.
    const across = Math.max(known.length, SOME) - 1;
    const points = known.map((each, at) => `${(at / across) * 100},${high === low ? 14 : 26 - ((each - low) / (high - low)) * 24}`);
    // Two looks make no trend.
    return s("svg", { viewBox: "0 0 100 28", preserveAspectRatio: "none", "aria-hidden": "true" }, known.length > 3 && s("polyline", { points: points.join(" ") }));
  };
  const tile = (name: string, value: string, unit: string, of: number | null): HTMLElement =>
    h("dl", { class: "tile" }, h("dt", {}, name), h("dd", {}, value, " ", h("small", {}, unit)), of === null ? null : trend(name, of));

  const draw = async (): Promise<void> => {
    const ready = await fetch("/readyz", { signal: AbortSignal.timeout(3_000) }).then(
      async (reply) => ({ ok: reply.ok, text: (await reply.text()).trim() }),
      () => ({ ok: false, text: "the exchange cannot be reached" }),
    );
    fill(
      state,
      h("span", { class: `pill ${ready.ok ? "good" : "sell"}` }, icon(ready.ok ? symbols.good : symbols.bad, 14), ready.ok ? "Ready for orders" : `Not ready: ${ready.text.slice(0, 120)}`),
      h("span", { class: "pill" }, `market data: ${app.streams.status.value}`),
      h("span", { class: "pill" }, `batch news: ${app.batches.live.value}`),
    );
    let text: string;
    try {
      text = await plain("/metrics");
    } catch (error) {
      raw.textContent = explain(error).message;
      if (tiles.childElementCount === 0) fill(tiles, h("p", { class: "hint" }, "Figures appear as soon as the exchange tells them."));
      return;
    }
    const metrics = parse(text);
    const now = { at: performance.now(), metrics };
    const value = (name: string): number | null => metrics.get(name)?.value ?? null;
    const sum = (name: string): number | null => {
      const found = [...metrics.values()].filter((metric) => metric.name === name);
      return found.length > 0 ? found.reduce((total, metric) => total + metric.value, 0) : null;
    };
    const rate = (name: string): number | null => {
      const [then, last] = [before?.metrics.get(name)?.value, metrics.get(name)?.value];
      if (then === undefined || last === undefined || !before) return null;
      return Math.max(0, ((last - then) / (now.at - before.at)) * 1000);
    };
    const [executed, durable, sealed] = ["executed", "durable", "sealed"].map((what) => value(`glassbook_commands_${what}_total`));
    const made: HTMLElement[] = [];
    /** Before the second look there is no rate: its place is kept, so that nothing jumps. */
    const addRate = (name: string, of: string, unit: string, format?: (x: number) => string): void => {
      if (!before && metrics.has(of)) made.push(tile(name, "…", unit, NaN));
      else add(name, rate(of), unit, format);
    };
    const add = (name: string, of: number | null | undefined, unit: string, format = (x: number) => (x >= 100_000 ? compact(x) : group(String(Math.round(x))))): void => {
      if (of !== null && of !== undefined) made.push(tile(name, format(of), unit, of));
    };
    addRate("Commands a second", "glassbook_commands_executed_total", "executed");
    add("Commands", executed, "since the start");
    if (executed != null && durable != null) add("Journal queue", Math.max(0, executed - durable), "not durable yet");
    if (executed != null && sealed != null) add("Sealing queue", Math.max(0, executed - sealed), "not sealed yet");
    addRate("Journal", "glassbook_journal_bytes_total", "bytes a second", compact);
    add("Batches not final", value("glassbook_settlement_lag_batches"), "behind");
    add("Oldest open batch", value("glassbook_settlement_oldest_open_seconds"), "since it was sealed", (x) => span(x * 1000));
    add("Settlement retries", value("glassbook_settlement_retries_total"), "since the start");
    add("Gas", sum("glassbook_settlement_gas_total"), "spent on L1", compact);
    add("Custody checks", value("glassbook_custody_checks_total"), `${value("glassbook_custody_disagreements_total") ?? 0} disagreements`);
    add("Connections", sum("glassbook_gateway_connections"), "open");
    add("Market data", app.streams.lag.value, "ms to this page");
    const counted = STAGES.map((stage) => [stage, [...app.batches.all.values()].filter((batch) => stageOf(batch) === stage).length] as const).filter(([, count]) => count > 0);
    if (counted.length > 0) {
      made.push(h("dl", { class: "tile" }, h("dt", {}, "Batches known here"), h("dd", {}, h("ul", { class: "legend-stages" }, counted.map(([stage, count]) => h("li", { "data-stage": stage }, h("i"), `${count} ${stageName(stage, app.exchange)}`))))));
    }
    fill(tiles, made);
    // Not under somebody's eyes.
    if (document.activeElement !== raw) raw.textContent = text;
    before = now;
  };
  void draw();
  scope.every(EVERY, () => {
    if (!document.hidden) void draw();
  });
  return h(
    "div",
    { class: "page" },
    h("div", { class: "title" }, h("h1", {}, "Health"), state),
    tiles,
    h("details", {}, h("summary", {}, "All figures, as Prometheus reads them"), h("section", { class: "panel", "aria-label": "All figures" }, raw)),
  );
}

/** Prometheus' and OpenMetrics' text. */
function parse(text: string): Metrics {
  const found: Metrics = new Map();
  for (const line of text.split("\n")) {
    const match = /^([a-zA-Z_:][\w:]*)(\{[^}]*\})?\s+(\S+)/.exec(line);
    if (!match || line.startsWith("#")) continue;
    const [, name = "", labels = "", number = ""] = match;
    found.set(name + labels, { name, labels, value: Number(number) });
  }
  return found;
}
