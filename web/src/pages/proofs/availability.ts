// Whether a batch's data can be had: samples of its shards, drawn as they are taken.
//
// The node samples as a stranger would, over HTTP; and this browser samples by itself where it may reach the server of the shards.

import type { App } from "../../app";
import { ApiError, NATIVE, json } from "../../api";
import { checker } from "../../checker/checker";
import type { OpenedBlock } from "../../checker/types";
import { bytes } from "../../decimal";
import { fill, h } from "../../dom";
import type { Scope } from "../../signal";
import { explain } from "../../ui/toast";

/** This page asks for so many shards that data which cannot be had is missed at most once in 2^20 times. */
const BITS = 20;
const MOST = 128;
const TOGETHER = 4;

/** What the node tells of a batch's data. */
interface NodeAvailability {
  url: string | null;
  commitment: string;
  dataShards: number;
  parityShards: number;
  payloadBytes: number;
  shardBytes: number;
  published: number | null;
  /** Oldest first. */
  samples: { shard: number; time: number; peer: string; held: boolean; micros: number | null }[];
}

/** How often it is looked for more samples, while a batch is young: less and less. */
const LOOK = 500;
const SELDOM = 10_000;
const YOUNG = 20_000;

export function availabilitySection(app: App, number: number, scope: Scope): HTMLElement {
  const grid = h("div", { class: "shards", "aria-hidden": "true" });
  const words = h("p", { class: "hint", role: "status" });
  const button = h("button", { class: "button small", onclick: () => void sample() }, "Sample from this page");
  const place = h("section", { "aria-label": "Availability of its data" }, h("h3", {}, "Data availability"), words, grid, button);
  let ended = false;
  /** While this page takes samples, it draws only those. */
  let busy = false;
  scope.add(() => (ended = true));
  button.hidden = true;

  const cells = (data: number, parity: number): void => {
    if (grid.childElementCount === data + parity) return;
    fill(grid, Array.from({ length: data + parity }, (_, index) => h("i", { class: index < data ? "" : "parity" })));
  };
  const light = (index: number, how: string): void => grid.children[index]?.classList.add(how);
  const server = (): string | null => app.exchange.dataAvailability?.url.replace(/\/$/, "") ?? null;

  /** Draws what the node has sampled; says whether there may be more. */
  const look = async (): Promise<boolean> => {
    const url = server();
    button.hidden = url === null;
    try {
      const node = await json<NodeAvailability>(`${NATIVE}/batches/${number}/availability`);
      if (busy) return false;
      cells(node.dataShards, node.parityShards);
      for (const sample of node.samples) light(sample.shard, sample.held ? "node" : "bad");
      const missing = node.samples.filter((sample) => !sample.held).length;
      const taken = node.samples.length;
      words.textContent =
        `${node.dataShards} shards and ${node.parityShards} more: any ${node.dataShards} of them give back the ${bytes(node.payloadBytes)} that were published. ` +
        (taken === 0
          ? "No samples have been taken yet."
          : missing > 0
            ? `Of the node's ${taken} samples, ${missing} are missing.`
            : `The node has taken ${taken} samples over HTTP, as a stranger would, and all hold.`);
      return taken === 0 || Date.now() - (node.published ?? 0) < YOUNG;
    } catch (error) {
      const none = error instanceof ApiError && error.status === 404;
      words.textContent =
        url === null
          ? "This exchange publishes no shards: whoever wants the data asks the exchange for the sealed batch."
          : none
            ? "Not published yet."
            : explain(error).message;
      return url !== null && none;
    }
  };
  const watch = async (): Promise<void> => {
    for (let pause = LOOK; !ended && (await look()); pause = Math.min(pause * 1.3, SELDOM)) {
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  };

  const sample = async (): Promise<void> => {
    const url = server();
    if (url === null) return;
    button.disabled = true;
    busy = true;
    try {
      const reply = await fetch(`${url}/v1/blocks/${number}`, { signal: AbortSignal.timeout(8_000), credentials: "omit" });
      if (!reply.ok) throw new Error(`The server of the shards answers ${reply.status} for this batch.`);
      const block = (await reply.json()) as { commitment: string };
      const opened: OpenedBlock = await checker.openBlock(block, block.commitment);
      cells(opened.data, opened.parity);
      for (const cell of grid.children) cell.classList.remove("node", "good", "bad", "asked");
      const wanted = draw(opened.total, await enough(opened));
      let good = 0;
      for (let at = 0; at < wanted.length && !ended; at += TOGETHER) {
        const indices = wanted.slice(at, at + TOGETHER);
        for (const index of indices) light(index, "asked");
        const answer = await fetch(`${url}/v1/blocks/${block.commitment}/samples?indices=${indices.join(",")}`, { signal: AbortSignal.timeout(8_000), credentials: "omit" });
        const checked = answer.ok ? await checker.checkSamples(block, block.commitment, new Uint8Array(await answer.arrayBuffer())) : [];
        for (const index of indices) {
          const found = checked.find((sample) => sample.index === index);
          const holds = found !== undefined && found.wrong === null;
          good += Number(holds);
          light(index, holds ? "good" : "bad");
        }
        words.textContent = `${good} of ${at + indices.length} samples hold…`;
      }
      const worth = await checker.samplesWorth(opened.data, opened.parity, wanted.length);
      words.textContent =
        good === wanted.length
          ? `All ${good} samples, drawn at random here, hold: each is under the commitment and of the codeword (checked in this page). Were the data not to be had, this would happen at most once in 2^${worth.bits} times.`
          : `${wanted.length - good} of ${wanted.length} samples are missing or wrong: the data may not be had.`;
    } catch (error) {
      const blocked = error instanceof TypeError;
      words.textContent = blocked
        ? "This browser may not ask the server of the shards (it does not allow other pages). What is drawn are the node's own samples; `glassbook da sample` takes samples without a browser."
        : explain(error).message;
      busy = false;
      await look();
    } finally {
      button.disabled = false;
    }
  };
  void watch();
  return place;
}

/** How many samples reach that. */
async function enough({ data, parity, total }: OpenedBlock): Promise<number> {
  for (let count = 8; ; count += 4) {
    const worth = count < Math.min(total, MOST) ? await checker.samplesWorth(data, parity, count) : null;
    if (worth === null || worth.bits >= BITS) return Math.min(count, total, MOST);
  }
}

/** Different numbers below `total`, evenly, by the browser's random numbers. */
function draw(total: number, count: number): number[] {
  const chosen = new Set<number>();
  const limit = Math.floor(0x1_0000_0000 / total) * total;
  while (chosen.size < count) {
    const [random = 0] = crypto.getRandomValues(new Uint32Array(1));
    if (random < limit) chosen.add(random % total);
  }
  return [...chosen];
}
