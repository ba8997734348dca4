// The proof explorer: all batches on the left, one of them on the right.

import type { App } from "../../app";
import { h, icon } from "../../dom";
import { STAGES, stageName } from "../../proofs/batches";
import { Verifying } from "../../proofs/verifying";
import { Scope } from "../../signal";
import { shortcut } from "../../ui/shortcuts";
import { symbols } from "../../ui/symbols";
import { batchDetail } from "./detail";
import { timeline } from "./timeline";
import { statement } from "./words";

const kept = new WeakMap<App, Verifying>();

/** What this page has verified since it was opened. */
export function verifyingOf(app: App): Verifying {
  const known = kept.get(app) ?? new Verifying(app);
  kept.set(app, known);
  return known;
}

export function proofsPage(app: App, scope: Scope, path: string[]): { element: HTMLElement; moved: (path: string[]) => void } {
  document.title = "Proofs · Glassbook";
  const verifying = verifyingOf(app);
  let chosen: number | null = null;
  let inner = new Scope();
  scope.add(() => inner.end());
  const place = h("section", { class: "panel detail", "aria-label": "One batch" });
  const lanes = timeline(app, verifying, scope, () => chosen);

  const choose = (number: number | null): void => {
    chosen = number;
    inner.end();
    inner = new Scope();
    if (number === null) place.replaceChildren(h("div", { class: "empty" }, "Choose a batch to see what it claims and to check it."));
    else batchDetail(app, verifying, number, inner, place);
    lanes.draw();
  };
  const narrow = matchMedia("(max-width: 980px)");
  const moved = (path: string[]): void => {
    const number = Number(path[0]);
    if (Number.isInteger(number) && number > 0) {
      choose(number);
      // Below the list, where one would not see it.
      if (narrow.matches && place.isConnected) place.scrollIntoView({ behavior: "smooth" });
    }
    else if (app.batches.last > 0) choose(newest(app));
    else choose(null);
  };
  // The first batch that comes is shown where none was asked for.
  scope.add(
    app.batches.changed.watch(() => {
      if (chosen === null && app.batches.last > 0) moved(path);
    }),
  );
  const move = (by: number): void => {
    const next = (chosen ?? app.batches.last) + by;
    if (app.batches.all.has(next)) location.hash = `#/proofs/${next}`;
  };
  scope.add(
    shortcut("j", "older batch", () => move(-1)),
    shortcut("k", "newer batch", () => move(1)),
    shortcut("v", "verify the batch in this page", () => chosen !== null && void verifying.verify(chosen)),
  );
  moved(path);

  const follow = h("input", { type: "checkbox", onchange: () => (verifying.following.value = follow.checked) });
  follow.checked = verifying.following.value;
  const executed = app.exchange.proofs === "executed";
  const about = h(
    "section",
    { class: "panel about", "aria-label": "What is proved here" },
    h(
      "div",
      { class: "worth" },
      h("span", { class: `pill ${executed ? "warn" : ""}` }, icon(executed ? symbols.bad : symbols.proof, 14), executed ? h("b", {}, "executed: NOT PROVED") : `${app.exchange.proofs} proofs`),
      h("span", { class: "soft" }, statement(app.exchange.proofStatement)),
    ),
    h("ul", { class: "legend-stages", "aria-label": "Stages" }, STAGES.map((stage) => h("li", { "data-stage": stage }, h("i"), stageName(stage, app.exchange)))),
    h("label", { class: "check" }, follow, "Verify every new batch in this page"),
  );
  return { element: h("div", { class: "proofs" }, about, lanes.element, place), moved };
}

/** The newest batch that has gone some way: it has the most to show. */
function newest(app: App): number {
  return app.batches.lastFinal || app.batches.last;
}
