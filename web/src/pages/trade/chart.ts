// Candles and volume, drawn by lightweight-charts; own open orders as lines, own fills as marks.

import {
  CandlestickSeries,
  CrosshairMode,
  HistogramSeries,
  LineStyle,
  createChart,
  createSeriesMarkers,
  type CandlestickData,
  type IPriceLine,
  type Time,
  type UTCTimestamp,
} from "lightweight-charts";

import type { App } from "../../app";
import { json } from "../../api";
import { compact, group } from "../../decimal";
import { fill, h } from "../../dom";
import type { Market } from "../../market/markets";
import { onFrame, Scope } from "../../signal";
import { clock, moment } from "../../time";
import { shortcut } from "../../ui/shortcuts";
import { colour, theme } from "../../ui/theme";

const INTERVALS = ["1s", "1m", "5m", "15m", "1h", "4h", "1d"] as const;
const LOADED = 500;
/** Candles that are kept while nobody looks at older ones. */
const KEPT = 3_000;
const SECONDS: Record<string, number> = { "1s": 1, "1m": 60, "5m": 300, "15m": 900, "1h": 3600, "4h": 14_400, "1d": 86_400 };

interface Candle {
  time: UTCTimestamp;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
}

export function chartPanel(app: App, market: Market, scope: Scope): HTMLElement {
  const host = h("div", { "aria-hidden": "true" });
  const legend = h("div", { class: "legend" });
  const chart = createChart(host, {
    autoSize: true,
    crosshair: { mode: CrosshairMode.Normal },
    layout: { attributionLogo: false, fontFamily: "Inter, sans-serif", fontSize: 11 },
    rightPriceScale: { borderVisible: false },
    timeScale: { borderVisible: false, timeVisible: true, secondsVisible: true, rightOffset: 4 },
    localization: {
      priceFormatter: (price: number) => group(price.toFixed(market.priceDecimals)),
      // Between two ticks there is no price: the scale's other lines stay without a number rather than with a wrong one.
      tickmarksPriceFormatter: (prices: number[]) =>
        prices.map((price) => {
          const text = price.toFixed(market.priceDecimals);
          return Math.abs(Number(text) - price) < Number(market.tick) / 1_000 ? group(text) : "";
        }),
      timeFormatter: (time: Time) => moment(Number(time) * 1000),
    },
  });
  const candles = chart.addSeries(CandlestickSeries, {
    borderVisible: false,
    priceFormat: { type: "price", precision: market.priceDecimals, minMove: Number(market.tick) },
  });
  const volume = chart.addSeries(HistogramSeries, { priceScaleId: "volume", priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false });
  chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
  const markers = createSeriesMarkers(candles, []);
  // Answers and frames may come when the page has been left, and the chart is gone.
  let gone = false;
  scope.add(() => {
    gone = true;
    chart.remove();
  });

  let interval = localStorage.getItem("interval") ?? "1s";
  if (!INTERVALS.includes(interval as never)) interval = "1m";
  let known: Candle[] = [];
  let wash = { up: "", down: "" };

  const bar = (candle: Candle): { time: UTCTimestamp; value: number; color: string } => ({
    time: candle.time,
    value: candle.volume,
    color: candle.close >= candle.open ? wash.up : wash.down,
  });
  const draw = (): void => {
    if (gone) return;
    candles.setData(known);
    volume.setData(known.map(bar));
  };
  const say = (candle: Partial<CandlestickData> & { volume?: number } | undefined): void => {
    if (candle?.open === undefined) return fill(legend);
    const number = (value: number | undefined): string => group((value ?? 0).toFixed(market.priceDecimals));
    const parts = [["O", number(candle.open)], ["H", number(candle.high)], ["L", number(candle.low)], ["C", number(candle.close)]];
    if (candle.volume !== undefined) parts.push(["V", `${compact(candle.volume)} ${market.base}`]);
    fill(legend, parts.map(([name, value]) => h("span", {}, `${name} `, h("b", {}, value))));
  };
  chart.subscribeCrosshairMove((event) => {
    const at = event.time;
    const candle = at === undefined ? known[known.length - 1] : known.find((candle) => candle.time === at);
    say(candle);
  });

  let stream = new Scope();
  scope.add(() => stream.end());
  let loading = false;
  let complete = false;
  const load = async (before?: number): Promise<void> => {
    if (loading || (before !== undefined && complete)) return;
    loading = true;
    const asked = interval;
    try {
      const end = before === undefined ? "" : `&endTime=${before - 1}`;
      const rows = await json<any[][]>(`/api/v3/klines?symbol=${market.symbol}&interval=${asked}&limit=${LOADED}${end}`);
      if (gone || asked !== interval) return;
      const found = rows.map((row) => candleOf(row[0], row[1], row[2], row[3], row[4], row[5]));
      complete = found.length < LOADED;
      const first = before === undefined ? Infinity : before / 1000;
      const older = found.filter((candle) => candle.time < first);
      // What the stream told meanwhile is newer than what was asked for.
      const last = older[older.length - 1]?.time ?? 0;
      known = [...older, ...known.filter((candle) => candle.time > last)];
      draw();
      if (before === undefined) {
        chart.timeScale().scrollToRealTime();
        say(known[known.length - 1]);
      }
    } finally {
      loading = false;
    }
  };
  const latest = { current: null as Candle | null };
  const show = (): void => {
    const candle = latest.current;
    if (gone || !candle) return;
    const last = known[known.length - 1];
    if (last && candle.time < last.time) return;
    if (last && candle.time === last.time) known[known.length - 1] = candle;
    else known.push(candle);
    const from = chart.timeScale().getVisibleLogicalRange()?.from ?? 0;
    if (known.length > KEPT + LOADED && from > LOADED * 2) {
      known = known.slice(-KEPT);
      complete = false;
      draw();
      return say(candle);
    }
    candles.update(candle);
    volume.update(bar(candle));
    say(candle);
  };
  const follow = (): void => {
    stream.end();
    stream = new Scope();
    known = [];
    complete = false;
    latest.current = null;
    stream.add(
      app.streams.on(`${market.symbol.toLowerCase()}@kline_${interval}`, {
        message: ({ k }) => {
          const candle = candleOf(k.t, k.o, k.h, k.l, k.c, k.v);
          // A candle that ends between two frames must not be lost.
          if (latest.current && latest.current.time !== candle.time) show();
          latest.current = candle;
          onFrame(show);
        },
        reset: () => void load().catch(() => undefined),
      }),
    );
    chart.applyOptions({
      timeScale: {
        secondsVisible: interval === "1s",
        tickMarkFormatter: (time: Time, kind: number) => {
          const at = Number(time) * 1000;
          if (kind <= 2) return new Date(at).toLocaleDateString(undefined, { day: "2-digit", month: "short" });
          return interval === "1s" ? clock(at) : clock(at).slice(0, 5);
        },
      },
    });
    mark();
  };
  chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
    const first = known[0];
    if (range && range.from < 20 && first && known.length >= LOADED) void load(first.time * 1000).catch(() => undefined);
  });

  // One's own orders and fills.
  let lines: IPriceLine[] = [];
  const mark = (): void => {
    if (gone) return;
    const trader = app.trader.value;
    for (const line of lines) candles.removePriceLine(line);
    lines = (trader?.orders.value ?? [])
      .filter((order) => order.symbol === market.symbol)
      .slice(0, 12)
      .map((order) =>
        candles.createPriceLine({
          price: Number(order.trigger || order.price),
          color: colour(order.side),
          lineStyle: order.trigger ? LineStyle.Dotted : LineStyle.Dashed,
          lineWidth: 1,
          axisLabelVisible: false,
          title: `${order.side} ${order.quantity}`,
        }),
      );
    const size = SECONDS[interval] ?? 60;
    // One for all fills of a side in a candle.
    const marks = new Map(
      (trader?.fills.value ?? [])
        .filter((own) => own.symbol === market.symbol)
        .slice(0, 200)
        .map((own) => {
          const time = (Math.floor(own.time / 1000 / size) * size) as UTCTimestamp;
          const buy = own.side === "buy";
          const position = buy ? ("belowBar" as const) : ("aboveBar" as const);
          const shape = buy ? ("arrowUp" as const) : ("arrowDown" as const);
          return [`${time} ${own.side}`, { time, position, shape, color: colour(own.side) }];
        }),
    );
    markers.setMarkers([...marks.values()].sort((x, y) => x.time - y.time));
  };
  let own = new Scope();
  scope.add(
    () => own.end(),
    app.trader.watch((trader) => {
      own.end();
      own = new Scope();
      if (trader) own.add(trader.orders.watch(() => onFrame(mark)), trader.fills.watch(() => onFrame(mark)));
      else onFrame(mark);
    }),
    theme.watch(() => {
      wash = { up: `${colour("buy")}55`, down: `${colour("sell")}55` };
      chart.applyOptions({
        layout: { background: { color: "transparent" }, textColor: colour("soft") },
        grid: { vertLines: { color: colour("line") }, horzLines: { color: colour("line") } },
        crosshair: { vertLine: { labelBackgroundColor: colour("faint") }, horzLine: { labelBackgroundColor: colour("faint") } },
      });
      candles.applyOptions({ upColor: colour("buy"), downColor: colour("sell"), wickUpColor: colour("buy"), wickDownColor: colour("sell") });
      draw();
      mark();
    }),
  );

  const choose = (next: string): void => {
    interval = next;
    localStorage.setItem("interval", next);
    for (const button of choice.children) button.setAttribute("aria-pressed", String(button.textContent === next));
    follow();
  };
  const choice = h(
    "div",
    { class: "segments", role: "group", "aria-label": "Interval of a candle" },
    INTERVALS.map((each) => h("button", { "aria-pressed": "false", onclick: () => choose(each) }, each)),
  );
  for (const [at, each] of INTERVALS.entries()) scope.add(shortcut(String(at + 1), "", () => choose(each)));
  choose(interval);
  return h(
    "section",
    { class: "panel chart part", "aria-label": `Candles of ${market.symbol}` },
    h("div", { class: "head" }, choice),
    h("div", { class: "plot" }, host, legend),
  );
}

function candleOf(time: number, open: string, high: string, low: string, close: string, volume: string): Candle {
  return {
    time: Math.floor(time / 1000) as UTCTimestamp,
    open: Number(open),
    high: Number(high),
    low: Number(low),
    close: Number(close),
    volume: Number(volume),
  };
}
