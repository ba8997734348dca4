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

/** Shards that this page asks for: withheld data is then missed less than once in 2^20 times, with as many parity shards as data shards. */
const SAMPLES = 20;
const TOGETHER = 4;

/** What the node tells of a batch's data. */
interface NodeAvailability {
  url?: string | null;
  block?: Record<string, any> | null;
  commitment?: string | null;
  samples?: { index: number; outcome?: string; good?: boolean }[] | null;
  sampled?: Record<string, any> | null;
  data_shards?: number;
  parity_shards?: number;
  dataShards?: number;
  parityShards?: number;
  message?: string;
}

export function availabilitySection(app: App, number: number, scope: Scope): HTMLElement {
  const grid = h("div", { class: "shards", "aria-hidden": "true" });
  const words = h("p", { class: "hint", role: "status" });
  const button = h("button", { class: "button small", onclick: () => void sample() }, "Sample from this page");
  const place = h("section", { "aria-label": "Availability of its data" }, h("h3", {}, "Data availability"), words, grid, button);
  let ended = false;
  scope.add(() => (ended = true));
  button.hidden = true;

  const cells = (data: number, parity: number): void => {
    if (grid.childElementCount === data + parity) return;
    fill(grid, Array.from({ length: data + parity }, (_, index) => h("i", { class: index < data ? "" : "parity" })));
  };
  const light = (index: number, how: string): void => grid.children[index]?.classList.add(how);
  const server = (): string | null => app.exchange.dataAvailability?.url.replace(/\/$/, "") ?? null;

  const look = async (): Promise<void> => {
    const url = server();
    button.hidden = url === null;
    try {
      const node = await json<NodeAvailability>(`${NATIVE}/batches/${number}/availability`);
      const data = node.dataShards ?? node.data_shards ?? node.block?.data_shards ?? node.block?.dataShards;
      const parity = node.parityShards ?? node.parity_shards ?? node.block?.parity_shards ?? node.block?.parityShards;
      if (typeof data === "number" && typeof parity === "number") cells(data, parity);
      const samples = node.samples ?? node.sampled?.samples ?? [];
      for (const found of samples) light(found.index, found.good === false || (found.outcome && found.outcome !== "good") ? "bad" : "node");
      const length = node.block?.payload_length ?? node.block?.payloadLength;
      const size = length === undefined ? "" : ` The batch is ${bytes(Number(length))} as published.`;
      words.textContent =
        typeof data === "number"
          ? `${data} shards with ${parity} for redundancy: any ${data} of them give the batch back.${size}${samples.length > 0 ? ` The node has taken ${samples.length} samples over HTTP, as a stranger would.` : ""}`
          : (node.message ?? "The node tells nothing of its shards.");
    } catch (error) {
      const none = error instanceof ApiError && error.status === 404;
      words.textContent =
        url === null ? "This exchange publishes no shards: whoever wants the data asks the exchange for the sealed batch." : none ? "Not published yet." : explain(error).message;
    }
  };

  const sample = async (): Promise<void> => {
    const url = server();
    if (url === null) return;
    button.disabled = true;
    try {
      const reply = await fetch(`${url}/v1/blocks/${number}`, { signal: AbortSignal.timeout(8_000), credentials: "omit" });
      if (!reply.ok) throw new Error(`The server of the shards answers ${reply.status} for this batch.`);
      const block = (await reply.json()) as { commitment: string };
      const opened: OpenedBlock = await checker.openBlock(block, block.commitment);
      cells(opened.data, opened.parity);
      for (const cell of grid.children) cell.classList.remove("node", "good", "bad", "asked");
      const wanted = draw(opened.total, Math.min(SAMPLES, opened.total));
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
      await look();
    } finally {
      button.disabled = false;
    }
  };
  void look();
  return place;
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
