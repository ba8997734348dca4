// Batches as lanes: when each was sealed, available, committed, proved and final, on one axis of time that moves on.

import type { App } from "../../app";
import { fill, h, icon, mark, say } from "../../dom";
import { STAGES, stageName, stageOf, times, type Batch } from "../../proofs/batches";
import type { Verifying } from "../../proofs/verifying";
import { onFrame, type Scope } from "../../signal";
import { clock, span } from "../../time";
import { symbols } from "../../ui/symbols";

const SHOWN = 60;
/** Lanes that decide how much time the axis shows. */
const SCALE_BY = 18;
const SHORTEST = 8_000;
const LONGEST = 20 * 60_000;
/** Without any change for so long, nothing happens. */
const IDLE = 60_000;

interface Lane {
  element: HTMLAnchorElement;
  countText: HTMLElement;
  track: HTMLElement;
  stage: HTMLElement;
  stageText: HTMLElement;
  seen: HTMLElement;
  segments: HTMLElement[];
}

export function timeline(app: App, verifying: Verifying, scope: Scope, chosen: () => number | null): { element: HTMLElement; draw: () => void } {
  const lanes = new Map<number, Lane>();
  const list = h("div", { class: "lanes", role: "list", "aria-label": "Batches, newest first" });
  const ticks = h("div", { class: "ticks", "aria-hidden": "true" });
  const empty = h("div", { class: "empty" });
  // As many times as there is room for; measured when the size changes, not while drawing.
  let room = 5;
  const measure = new ResizeObserver(() => (room = Math.max(1, Math.min(5, Math.floor(ticks.offsetWidth / 60)))));
  measure.observe(ticks);
  scope.add(() => measure.disconnect());
  const element = h(
    "section",
    { class: "panel timeline", "aria-label": "Batches" },
    h(
      "div",
      { class: "scroll" },
      h("div", { class: "axis", "aria-hidden": "true" }, h("span", {}, "Batch"), h("span", { class: "count right" }, "Commands"), ticks, h("span", {}, "Stage"), h("span", { title: "Verified in this page" }, "")),
      list,
      empty,
    ),
  );

  const lane = (number: number): Lane => {
    const countText = h("span");
    const count = h("span", { class: "count" }, countText, h("span", { class: "visually-hidden" }, " commands, "));
    const track = h("span", { class: "track", "aria-hidden": "true" });
    const stageText = h("span");
    const stage = h("span", { class: "stage" }, h("span", { class: "dot" }), stageText);
    const seen = h("span", { class: "seen" });
    const made = h("a", { class: "lane", href: `#/proofs/${number}` }, h("span", { class: "number" }, h("span", { class: "visually-hidden" }, "Batch "), String(number)), count, track, stage, seen);
    return { element: made, countText, track, stage, stageText, seen, segments: [] };
  };

  const draw = (): void => {
    const batches = app.batches.newest(SHOWN);
    const { now } = app.batches;
    empty.hidden = batches.length > 0;
    if (batches.length === 0) {
      fill(empty, app.batches.live.value === "none" ? "This exchange does not tell about its batches yet." : "No batch is sealed yet. The first comes after some commands.");
    }
    const scaled = batches.slice(0, SCALE_BY);
    const begun = Math.min(now, ...scaled.map((batch) => times(batch).sealed ?? now));
    const moved = Math.max(begun, ...scaled.flatMap((batch) => Object.values(times(batch))));
    // Where nothing happens any more, time stands still, and the newest batches stay in sight.
    const going = scaled.some((batch) => stageOf(batch) !== "final") && now - moved < IDLE;
    const end = going ? now : Math.min(now, moved + Math.max(2_000, (moved - begun) * 0.06));
    const reach = Math.min(LONGEST, Math.max(SHORTEST, end - begun) * 1.06);
    const x = (time: number): number => Math.max(0, (1 - (end - time) / reach) * 100);

    const wanted = new Set(batches.map((batch) => batch.batch));
    for (const [number, old] of lanes) {
      if (wanted.has(number)) continue;
      old.element.parentElement?.remove();
      lanes.delete(number);
    }
    let before: Element | null = null;
    for (const batch of batches) {
      let known = lanes.get(batch.batch);
      if (!known) {
        known = lane(batch.batch);
        lanes.set(batch.batch, known);
        const item = h("div", { role: "listitem" }, known.element);
        if (before) before.after(item);
        else list.prepend(item);
      }
      before = known.element.parentElement;
      drawLane(known, batch, end, x);
    }
    drawTicks(reach, end < now ? end : null);
  };

  const drawLane = (lane: Lane, batch: Batch, now: number, x: (time: number) => number): void => {
    const stage = stageOf(batch);
    const reached = times(batch);
    const last = stage === "failed" ? -1 : STAGES.indexOf(stage);
    mark(lane.element, "aria-current", batch.batch === chosen() ? "true" : null);
    say(lane.countText, batch.commands ? (batch.commands[1] - batch.commands[0] + 1).toLocaleString("en") : "–");
    mark(lane.stage, "data-stage", stage);
    const begun = reached.sealed;
    const ended = reached.final;
    const name = stageName(stage, app.exchange);
    say(lane.stageText, stage === "final" && begun && ended ? `final in ${span(ended - begun)}` : name);
    const check = verifying.all.get(batch.batch);
    const sign = check?.state === "holds" ? "good" : check?.state === "fails" ? "bad" : check ? "running" : "none";
    if (lane.seen.dataset.sign !== sign) {
      lane.seen.dataset.sign = sign;
      lane.seen.className = `seen ${sign === "bad" ? "bad" : ""}`;
      const words = { good: "verified in this page", bad: "does not hold", running: "being verified", none: "" }[sign];
      const drawn = sign === "good" ? icon(symbols.good, 14) : sign === "bad" ? icon(symbols.bad, 14) : sign === "running" ? "…" : null;
      fill(lane.seen, drawn, words && h("span", { class: "visually-hidden" }, words));
    }

    const segments: { from: number; to: number; stage: string; going: boolean }[] = [];
    for (const [at, name] of STAGES.entries()) {
      const from = reached[name];
      if (from === undefined || name === "final") continue;
      const next = STAGES.slice(at + 1).map((later) => reached[later]).find((time) => time !== undefined);
      segments.push({ from, to: next ?? now, stage: name, going: next === undefined && at === last });
    }
    const parts = segments.length + (ended === undefined ? 0 : 1);
    while (lane.segments.length < parts) {
      const segment = h("i");
      lane.segments.push(segment);
      lane.track.append(segment);
    }
    while (lane.segments.length > parts) lane.segments.pop()?.remove();
    for (const [at, segment] of segments.entries()) {
      const drawn = lane.segments[at] as HTMLElement;
      mark(drawn, "data-stage", stage === "failed" && segment.going ? "failed" : segment.stage);
      drawn.className = segment.going ? "going" : "";
      const [from, to] = [x(segment.from), x(segment.to)];
      drawn.style.left = `${from.toFixed(2)}%`;
      drawn.style.width = `${Math.max(0, to - from).toFixed(2)}%`;
      drawn.style.visibility = to <= 0 ? "hidden" : "";
    }
    if (ended !== undefined) {
      const dot = lane.segments[parts - 1] as HTMLElement;
      mark(dot, "data-stage", "final");
      dot.className = "done";
      dot.style.left = `${x(ended).toFixed(2)}%`;
      dot.style.width = "";
      dot.style.visibility = x(ended) <= 0 ? "hidden" : "";
    }
  };

  const drawTicks = (reach: number, stopped: number | null): void => {
    const step = [1, 2, 5, 10, 20, 30, 60, 120, 300].map((seconds) => seconds * 1000).find((step) => reach / step <= room) ?? 600_000;
    const wanted: [number, string][] = [[100, stopped === null ? "now" : clock(stopped)]];
    for (let back = step; back < reach * 0.93; back += step) wanted.push([(1 - back / reach) * 100, `−${span(back)}`.replace(".0", "")]);
    while (ticks.children.length < wanted.length) ticks.append(h("span"));
    while (ticks.children.length > wanted.length) ticks.lastElementChild?.remove();
    for (const [at, [left, text]] of wanted.entries()) {
      const tick = ticks.children[at] as HTMLElement;
      tick.style.left = `${left.toFixed(2)}%`;
      say(tick, text);
    }
  };

  scope.add(
    app.batches.changed.watch(() => onFrame(draw)),
    app.batches.live.watch(() => onFrame(draw)),
    verifying.changed.watch(() => onFrame(draw)),
  );
  scope.every(matchMedia("(prefers-reduced-motion: reduce)").matches ? 1_000 : 200, () => onFrame(draw));
  return { element, draw };
}
