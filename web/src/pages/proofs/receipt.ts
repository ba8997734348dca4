// A fill's receipt: fetched, checked in wasm against the batch's claim, its path drawn.

import type { App } from "../../app";
import type { OwnFill } from "../../account/types";
import { ApiError, NATIVE, binary, json } from "../../api";
import { checker } from "../../checker/checker";
import type { CheckedReceipt, Receipt } from "../../checker/types";
import { group } from "../../decimal";
import { fill, h, icon, s } from "../../dom";
import { stageName, stageOf } from "../../proofs/batches";
import { claimOf, short } from "../../proofs/verifying";
import { openDialog } from "../../ui/dialog";
import { symbols } from "../../ui/symbols";
import { explain } from "../../ui/toast";
import { verifyingOf } from "./page";
import { eventWords, outcomeWords } from "./words";

/** Opens the receipt of a fill; waits for its batch to be sealed. */
export async function openReceipt(app: App, own: OwnFill): Promise<void> {
  const place = h("div", {}, h("p", { class: "hint", role: "status" }, "Fetching the receipt…"));
  let open = true;
  openDialog(`Receipt of fill ${own.id}, ${own.symbol}`, [place], 860, () => (open = false));
  try {
    const { sequence } = own;
    for (;;) {
      try {
        await show(app, sequence, place);
        return;
      } catch (error) {
        const early = error instanceof ApiError && [404, 409, 425, 503].includes(error.status);
        if (!early || !open) throw error;
        fill(place, h("p", { class: "hint", role: "status" }, `Command ${sequence} is executed, but its batch is not sealed yet: the receipt comes with it. Waiting…`));
        await new Promise((resolve) => setTimeout(resolve, 700));
        if (!open) return;
      }
    }
  } catch (error) {
    const { message, remedy } = explain(error);
    fill(place, h("div", { class: "verdict bad", role: "alert" }, icon(symbols.bad), h("div", {}, "No receipt.", h("p", {}, `${message} ${remedy ?? ""}`))));
  }
}

async function show(app: App, sequence: string, place: HTMLElement): Promise<void> {
  const receipt = await fetchReceipt(app, sequence);
  const number = Number(receipt.batch);
  // Not the claim that comes with the receipt: the one of the batch, which can be verified by execution.
  const claim = await claimOf(app, number);
  const checked = await checker.checkReceipt(claim, receipt);
  const verified = verifyingOf(app).all.get(number)?.state === "holds";
  const batch = app.batches.all.get(number);
  const stage = batch ? stageOf(batch) : null;
  fill(
    place,
    h(
      "div",
      { class: "receipt" },
      drawing(checked),
      h(
        "div",
        { class: "verify-box" },
        h("div", { class: "verdict", role: "status" }, icon(symbols.good), h("div", {}, "The receipt holds: checked in this page.", h("p", {}, `${checked.way.length - 1} hashes lead from what command ${sequence} did to the events root of batch ${number}.`))),
        h("h3", {}, `What command ${sequence} did`),
        h("ul", { class: "checks" }, [outcomeWords(checked.outcome), ...checked.events.map((event) => eventWords(app, event))].map((text) => h("li", {}, icon(symbols.receipt, 14), h("span", {}, text)))),
        h("h3", {}, "What it rests on"),
        h(
          "ul",
          { class: "checks" },
          h("li", {}, icon(symbols.good, 14), h("span", {}, `Place ${group(String(Number(receipt.path.index) + 1))} of ${group(checked.count)} commands: the height of the path leaves no other.`)),
          h("li", { class: verified ? "" : "open" }, icon(verified ? symbols.good : symbols.info, 14), h("span", {}, verified ? `The claim of batch ${number} was verified in this page by execution.` : `The claim of batch ${number} is as the exchange gave it: `, !verified && h("a", { href: `#/proofs/${number}` }, "verify the batch"), !verified && " to rest on nothing else.")),
          stage && h("li", { class: stage === "final" ? "" : "open" }, icon(stage === "final" ? symbols.good : symbols.info, 14), h("span", {}, stage === "final" ? `Batch ${number} is final on L1.` : `Batch ${number} is ${stageName(stage, app.exchange)}; not final yet.`)),
        ),
        h("div", {}, h("button", { class: "button small", onclick: () => save(receipt, sequence) }, icon(symbols.download, 14), "Keep the receipt")),
      ),
    ),
  );
}

/** The receipt as the exchange gives it; where it gives none, made here from the sealed batch. */
async function fetchReceipt(app: App, sequence: string): Promise<Receipt> {
  try {
    return await json<Receipt>(`${NATIVE}/receipts/${sequence}`);
  } catch (error) {
    const batch = app.batches.holding(Number(sequence));
    if (!batch) throw error;
    return checker.makeReceipt(await binary(`${NATIVE}/batches/${batch.batch}/sealed`), sequence);
  }
}

function save(receipt: Receipt, sequence: string): void {
  const url = URL.createObjectURL(new Blob([JSON.stringify(receipt, null, 2)], { type: "application/json" }));
  const link = h("a", { href: url, download: `receipt-${sequence}.json` });
  link.click();
  URL.revokeObjectURL(url);
}

/** The path from the leaf, below, to the root, above. */
function drawing(checked: CheckedReceipt): SVGSVGElement {
  const { way } = checked;
  const [width, row, middle, aside] = [270, 40, 135, 46];
  const height = (way.length + 1) * row;
  const y = (level: number): number => height - row / 2 - level * row;
  /** Whether the node of the path is the right one of its pair. */
  const right = (level: number): boolean => way[level + 1]?.siblingSide === "left";
  const x = (level: number): number => (level >= way.length - 1 ? middle : middle + (right(level) ? aside : -aside));
  const parts: SVGElement[] = [];
  for (let level = 0; level < way.length - 1; level++) {
    const other = middle + (right(level) ? -aside : aside);
    const up = { x2: x(level + 1), y2: y(level + 1) };
    parts.push(s("line", { x1: other, y1: y(level), ...up }));
    const line = s("line", { class: "way", pathLength: 1, x1: x(level), y1: y(level), ...up });
    line.style.setProperty("--at", String(level));
    parts.push(line);
    const anchor = right(level) ? "end" : "start";
    const sibling = way[level + 1]?.sibling ?? "";
    parts.push(
      s("circle", { cx: other, cy: y(level), r: 4 }),
      s("text", { x: other + (right(level) ? -9 : 9), y: y(level) + 3.5, "text-anchor": anchor }, /^0+$/.test(sibling) ? "none" : sibling.slice(0, 8)),
    );
  }
  for (const [level, step] of way.entries()) {
    const top = level === way.length - 1;
    const side = right(level) || top ? 9 : -9;
    parts.push(
      s("circle", { class: "way", cx: x(level), cy: y(level), r: level === 0 ? 6 : 4.5 }),
      s("text", { class: "way", x: x(level) + side, y: y(level) + 3.5, "text-anchor": side > 0 ? "start" : "end" }, step.digest.slice(0, 8)),
    );
  }
  parts.push(
    s("line", { class: "way", pathLength: 1, x1: middle, y1: y(way.length - 1), x2: middle, y2: y(way.length) }),
    s("circle", { class: "root", cx: middle, cy: y(way.length), r: 6 }),
    s("text", { class: "way", x: middle + 11, y: y(way.length) + 3.5 }, checked.eventsRoot.slice(0, 8)),
  );
  const label = `Path of ${way.length - 1} hashes from the leaf ${short(way[0]?.digest ?? "")} to the events root ${short(checked.eventsRoot)}`;
  return s("svg", { class: "path", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label }, parts);
}
