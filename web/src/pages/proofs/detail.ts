// One batch: its stages, its verification in this page, its claim in words, its proof, its data, its transactions, its commands.

import type { App } from "../../app";
import { ApiError, NATIVE, binary } from "../../api";
import { checker } from "../../checker/checker";
import type { Claim, Row } from "../../checker/types";
import { bytes, group } from "../../decimal";
import { fill, h, icon } from "../../dom";
import { digestOf, proofsOf, STAGES, stageName, stageOf, times, type Batch } from "../../proofs/batches";
import { claimOf, short, story, type Verification, type Verifying } from "../../proofs/verifying";
import { onFrame, type Scope } from "../../signal";
import { clock, moment, span } from "../../time";
import { copyable } from "../../ui/copy";
import { symbols } from "../../ui/symbols";
import { explain } from "../../ui/toast";
import { availabilitySection } from "./availability";
import { eventWords, commandWords, outcomeWords, statement } from "./words";

export function batchDetail(app: App, verifying: Verifying, number: number, scope: Scope, place: HTMLElement): void {
  if (app.batches.all.has(number)) return showBatch(app, verifying, number, scope, place);
  const said = h("p", { role: "status" }, "Asking for the batch…");
  const last = h("a", { class: "button small", href: "#/proofs" }, "To the newest final batch");
  place.replaceChildren(h("div", { class: "head" }, h("h2", {}, `Batch ${number}`)), h("div", { class: "empty" }, said, last));
  let shown = false;
  scope.add(
    () => (shown = true),
    // Also one that is still to come.
    app.batches.changed.watch(() => {
      if (shown || !app.batches.all.has(number)) return;
      shown = true;
      showBatch(app, verifying, number, scope, place);
    }),
  );
  void app.batches.load(number).catch((error) => {
    const none = error instanceof ApiError && error.status === 404;
    said.textContent = none ? `The exchange has no batch ${number}${number > app.batches.last ? " yet: it is shown when it comes" : ""}.` : explain(error).message;
  });
}

function showBatch(app: App, verifying: Verifying, number: number, scope: Scope, place: HTMLElement): void {
  const head = h("div", { class: "head" }, h("h2", {}, `Batch ${number}`), h("span", { class: "push soft" }));
  const stages = h("section", { "aria-label": "Stages" });
  const verify = h("section", { "aria-label": "Verify in this page" });
  const claim = h("section", { "aria-label": "The claim in words" });
  const proof = proofSection(app, number);
  const l1 = h("section", { "aria-label": "L1 transactions" });
  const commands = h("section", { "aria-label": "Commands", class: "commands" });
  const body = h(
    "div",
    { class: "scroll", tabindex: "0", role: "group", "aria-label": `Batch ${number}` },
    stages,
    verify,
    claim,
    proof,
    availabilitySection(app, number, scope),
    l1,
    commands,
  );
  place.replaceChildren(head, body);

  let drawnClaim = "";
  const drawClaim = (found: Claim): void => {
    if (drawnClaim === found.encoded) return;
    drawnClaim = found.encoded;
    fill(
      claim,
      h("h3", {}, "The claim in words"),
      h("p", { class: "story" }, story(found)),
      h(
        "details",
        {},
        h("summary", {}, "All thirteen words, as Solidity reads them"),
        h("dl", { class: "words" }, found.words.flatMap((word) => [h("dt", {}, word.name), h("dd", {}, h("span", { class: "hash" }, word.value), h("small", {}, word.meaning))])),
      ),
    );
  };
  void claimOf(app, number)
    .then((encoded) => checker.claim(encoded))
    .then(drawClaim)
    .catch((error) => fill(claim, h("h3", {}, "The claim in words"), h("p", { class: "hint" }, explain(error).message)));

  let drawn = { stages: "", l1: "" };
  const draw = (): void => {
    const batch = app.batches.all.get(number);
    if (!batch) return;
    const stage = stageOf(batch);
    fill(head.lastElementChild as HTMLElement, batch.commands ? `${group(String(batch.commands[1] - batch.commands[0] + 1))} commands` : "");
    // Only where something has changed: somebody may be about to click, or to copy.
    const now = JSON.stringify(batch);
    const ahead = app.batches.ahead > 2_000 ? span(app.batches.ahead) : "";
    if (now + ahead !== drawn.stages) drawStages(stages, app, batch, stage);
    if (now !== drawn.l1) drawL1(l1, app, batch);
    drawn = { stages: now + ahead, l1: now };
  };
  let verifiedRows = "";
  const drawVerification = (): void => {
    const found = verifying.all.get(number);
    drawVerify(verify, app, number, found, () => void verifying.verify(number));
    if (found?.result) {
      drawClaim(found.result.claim);
      // Of those verified long ago the commands are forgotten: they are not taken away from whoever looks at them.
      const sign = `${found.result.claim.encoded} ${found.took}`;
      if (verifiedRows !== sign) {
        verifiedRows = sign;
        drawCommands(commands, app, found.result.rows, found.result.moreRows);
      }
    } else if (!verifiedRows) fill(commands, h("h3", {}, "Commands"), h("p", { class: "hint" }, "Shown once the batch has been executed again in this page: what the exchange says of them is not needed."));
  };
  scope.add(app.batches.changed.watch(() => onFrame(draw)), verifying.changed.watch(() => onFrame(drawVerification)));
}

function drawStages(place: HTMLElement, app: App, batch: Batch, stage: string): void {
  const reached = times(batch);
  const at = stage === "failed" ? -1 : STAGES.indexOf(stage as never);
  const first = reached.sealed;
  const meaning = {
    sealed: "executed and kept with all that it takes to repeat it",
    available: "its data is published, so that others can have it",
    committed: "its claim is on L1 and cannot change any more",
    proved: app.exchange.proofs === "executed" ? "the contract has the attestors' signatures: no proof" : "the contract has accepted the proof",
    final: "withdrawals of it can be paid",
  };
  fill(
    place,
    h(
      "ol",
      { class: "stepper" },
      STAGES.map((name, place) => {
        const time = reached[name];
        return h(
          "li",
          { class: time !== undefined || place <= at ? "reached" : "", "data-stage": name, title: meaning[name] },
          h("b", {}, stageName(name, app.exchange)),
          h("span", {}, time === undefined ? (place <= at ? "yes" : "–") : first === undefined || name === "sealed" ? clock(time) : time === first ? "at once" : `+${span(time - first)}`),
        );
      }),
    ),
    stage === "failed" && h("p", { class: "hint wrong" }, "This batch failed; somebody has to look at it."),
    batch.trouble && h("p", { class: "hint warn" }, batch.trouble),
    app.batches.ahead > 2_000 && h("p", { class: "hint" }, `Times are of the chain's clock, which is ${span(app.batches.ahead)} ahead of this computer's.`),
    batch.state !== stage && stage !== "failed" && h("p", { class: "hint" }, `Now: ${batch.state}.`),
  );
}

function drawVerify(place: HTMLElement, app: App, number: number, found: Verification | undefined, start: () => void): void {
  const running = found?.state === "downloading" || found?.state === "executing";
  const button = h(
    "button",
    { class: "button primary", disabled: running, onclick: start, id: "verify" },
    icon(symbols.proof),
    running ? "Verifying…" : found ? "Verify again" : "Verify in this page",
  );
  const focused = document.activeElement?.id === "verify";
  const parts: (HTMLElement | null)[] = [
    h(
      "div",
      { class: "top" },
      button,
      h("a", { class: "button small", href: `${NATIVE}/batches/${number}/sealed`, download: `${String(number).padStart(12, "0")}.batch` }, icon(symbols.download, 14), "The sealed batch"),
    ),
  ];
  if (!found) {
    parts.push(h("p", { class: "hint" }, "Downloads the batch with its signatures and its part of the state, and executes it again in this browser, by the rules that the exchange runs and that are proved. Nothing that the exchange says is trusted for it."));
  } else if (running) {
    const share = found.total > 0 ? found.done / found.total : 0;
    const bar = h("div", { class: "bar", role: "progressbar", "aria-label": "Verification", "aria-valuenow": Math.round(share * 100), "aria-valuemin": 0, "aria-valuemax": 100 }, h("i"));
    (bar.firstElementChild as HTMLElement).style.setProperty("--done", share.toFixed(3));
    parts.push(bar, h("p", { class: "hint" }, found.state === "downloading" ? `Downloading: ${bytes(found.done)}` : `Executing again: command ${group(String(found.done))} of ${group(String(found.total))}`));
  } else if (found.state === "fails") {
    parts.push(h("div", { class: "verdict bad", role: "alert" }, icon(symbols.bad), h("div", {}, "This batch does not hold.", h("p", {}, found.why ?? ""))));
  } else if (found.result) {
    parts.push(
      h("div", { class: "verdict", role: "status" }, icon(symbols.good), h("div", {}, `Batch ${number} holds: executed again in ${span(found.took)}.`)),
      checks(app, number, found),
    );
  }
  fill(place, h("h3", {}, "Verify"), h("div", { class: "verify-box" }, parts));
  if (focused) document.getElementById("verify")?.focus();
}

function checks(app: App, number: number, found: Verification): HTMLElement {
  const result = found.result;
  if (!result) return h("ul");
  const { claim, sizes } = result;
  const good = (...text: (string | HTMLElement)[]): HTMLElement => h("li", {}, icon(symbols.good, 14), h("span", {}, text));
  const open = (...text: (string | HTMLElement)[]): HTMLElement => h("li", { class: "open" }, icon(symbols.info, 14), h("span", {}, text));
  const fills = result.markets
    .map((traded) => `${group(String(traded.fills))} in ${app.exchange.markets.find((market) => market.market === traded.market)?.symbol ?? `market ${traded.market}`}`)
    .join(", ");
  const l1 = Number(result.l1.to) - Number(result.l1.from);
  return h(
    "ul",
    { class: "checks" },
    good(`The file is whole: ${bytes(sizes.file)}, of which ${bytes(sizes.commands)} are commands and ${bytes(sizes.witness)} the touched part of the state.`),
    number === 1
      ? open("It is the first batch: that the state before it is the genesis, compare with the deployment on L1.")
      : found.before === "verified here"
        ? good(`It begins with the state that batch ${number - 1} ended with, which this page has verified, too.`)
        : open(`It begins with the state that batch ${number - 1} ended with, by the claim that the exchange gave. Verify batch ${number - 1} as well to rest on nothing else.`),
    good(`Every command was authorised: ${group(String(sizes.streams))} stream ${sizes.streams === 1 ? "signature" : "signatures"}, ${group(String(sizes.owners))} of owners, ${group(String(l1))} from L1.`),
    good(`${group(String(result.commands))} commands of ${group(String(result.accounts))} accounts, executed in order: ${group(String(result.outcomes.accepted + result.outcomes.done))} took effect, ${group(String(result.outcomes.rejected))} were rejected${fills ? `; fills: ${fills}` : ""}.`),
    good("All thirteen words of the claim come out as stated; the state root is ", h("span", { class: "mono" }, short(claim.stateRoot)), "."),
    l1 > 0 || Number(claim.l1Position) > 0
      ? open(`It has taken ${group(claim.l1Position)} entries of the L1 queue, with the hash `, h("span", { class: "mono" }, short(claim.l1Hash)), "; the contract compares both with its own.")
      : good("No entry of the L1 queue has been taken yet."),
    found.l1?.digest
      ? good(
          "The digest of the claim, ",
          h("span", { class: "mono" }, short(claim.digest)),
          `, is the one that the contract has for batch ${number}${found.l1.finalBatch >= number ? ", which is final there" : ", not final there yet"}: asked by this page of the node that the exchange names.`,
        )
      : found.digestAgrees === null
      ? open("The digest of the claim is ", h("span", { class: "mono" }, short(claim.digest)), "; nothing is known of it on L1.")
      : good("The digest of the claim, ", h("span", { class: "mono" }, short(claim.digest)), ", is the one that the exchange says is settled on L1."),
  );
}

function drawL1(place: HTMLElement, app: App, batch: Batch): void {
  const actions = { commit: "Commitment", prove: app.exchange.proofs === "executed" ? "Attestation" : "Proof", finalise: "Finality" } as Record<string, string>;
  const inOrder = Object.entries(batch.l1 ?? {}).sort((x, y) => (x[1].block?.number ?? 0) - (y[1].block?.number ?? 0));
  const rows = inOrder.map(([action, done]) =>
    h(
      "tr",
      {},
      h("td", {}, actions[action] ?? action),
      h("td", { class: "right" }, done.block ? group(String(done.block.number)) : "–"),
      h("td", {}, done.transaction ? copyable(`${actions[action] ?? action} of batch ${batch.batch}`, done.transaction) : "–"),
      h("td", { class: "right" }, typeof done.gas === "number" ? group(String(done.gas)) : "–"),
    ),
  );
  const steps = (batch.steps ?? []).filter((step) => step.l1Block || step.tx);
  const more =
    rows.length > 0
      ? rows
      : steps.map((step) =>
          h("tr", {}, h("td", {}, step.state), h("td", { class: "right" }, step.l1Block ? group(String(step.l1Block.number)) : "–"), h("td", {}, step.tx ? copyable(`${step.state}, batch ${batch.batch}`, step.tx) : "–"), h("td", { class: "right" }, "–")),
        );
  const digest = digestOf(batch);
  fill(
    place,
    h("h3", {}, "L1 transactions"),
    more.length > 0
      ? h(
          "table",
          { class: "data" },
          h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Action"), h("th", { scope: "col", class: "right" }, "Block"), h("th", { scope: "col" }, "Transaction"), h("th", { scope: "col", class: "right" }, "Gas"))),
          h("tbody", {}, more),
        )
      : h("p", { class: "hint" }, app.exchange.contract ? "None yet." : "This exchange has no contract."),
    digest &&
      h("p", { class: "hint" }, "To ask a node of your own: ", h("span", { class: "mono" }, `claimHash(${batch.batch})`), ` of the contract on chain ${app.exchange.chainId} must be `, h("span", { class: "hash" }, `0x${digest}`), "."),
  );
}

function proofSection(app: App, number: number): HTMLElement {
  const place = h("section", { "aria-label": "Proof" });
  const start = async (): Promise<void> => {
    fill(place, h("h3", {}, "Proof"), h("p", { class: "hint" }, "Fetching the proof file…"));
    try {
      const file = await binary(`${NATIVE}/batches/${number}/proof`);
      const proof = await checker.checkProof(file);
      const tone = proof.result === "holds" ? "" : proof.result === "does not hold" ? "bad" : "warn";
      const first = proof.claims[0]?.batch;
      const last = proof.claims[proof.claims.length - 1]?.batch;
      const words = {
        holds: "The proof holds: checked in this page.",
        "not a proof": "executed: NOT PROVED",
        "not checked here": `A ${proof.kind} proof of ${proof.system}, which this page cannot check.`,
        "does not hold": "The proof does not hold.",
      }[proof.result];
      fill(
        place,
        h("h3", {}, "Proof"),
        h("div", { class: `verdict ${tone}` }, icon(tone === "" ? symbols.good : symbols.bad), h("div", {}, words, h("p", {}, proof.statement[0]?.toUpperCase(), proof.statement.slice(1), "."))),
        h(
          "dl",
          { class: "words" },
          h("dt", {}, "System"),
          h("dd", {}, `${proof.system} ${proof.version}`),
          h("dt", {}, "Kind"),
          h("dd", {}, proof.kind),
          h("dt", {}, "Of"),
          h("dd", {}, first === last ? `batch ${first}` : `batches ${first} to ${last}, each following the one before (checked here)`),
          h("dt", {}, "Program"),
          h("dd", { class: "hash" }, proof.program),
          h("dt", {}, "Proof bytes"),
          h("dd", {}, proof.bytes === 0 ? "none" : bytes(proof.bytes)),
        ),
        proof.result === "not checked here" &&
          h("p", { class: "hint" }, "Checked here: the file, its claims, and that they follow each other. Not checked here: the proof itself. ", h("span", { class: "mono" }, "glassbook verify FILE"), " checks it on any computer, offline."),
        h("p", {}, h("a", { class: "button small", href: `${NATIVE}/batches/${number}/proof`, download: `${number}.proof` }, icon(symbols.download, 14), "The proof file")),
      );
    } catch (error) {
      const batch = app.batches.all.get(number);
      const behind = batch && app.exchange.proofs !== "executed" ? proofsOf(batch) : null;
      const { message } = explain(error);
      const said = `${message.charAt(0).toUpperCase()}${message.slice(1)}${/[.!?]$/.test(message) ? "" : "."}`;
      const none = error instanceof ApiError && (error.status === 404 || error.status === 409);
      fill(
        place,
        h("h3", {}, "Proof"),
        app.exchange.proofs === "executed" && h("div", { class: "verdict warn" }, icon(symbols.bad), h("div", {}, "executed: NOT PROVED", h("p", {}, statement(app.exchange.proofStatement)))),
        h("p", { class: "hint" }, none ? `There is no proof file. ${said}` : said, behind && behind !== app.exchange.proofStatement ? ` What stands behind “proved” here: ${behind}.` : ""),
        h("p", {}, h("button", { class: "button small", onclick: () => void start() }, "Look again")),
      );
    }
  };
  void start();
  return place;
}

function drawCommands(place: HTMLElement, app: App, rows: Row[], more: number): void {
  const account = app.trader.value?.account.value ?? null;
  let mine = false;
  const body = h("tbody");
  const draw = (): void => {
    const shown = mine
      ? rows.filter((row) => row.account === account || row.events.some((event) => event.makerAccount === account || event.takerAccount === account))
      : rows.slice(0, 120);
    fill(
      body,
      shown.map((row) =>
        h(
          "tr",
          {},
          h("td", { class: "right", title: moment(Number(row.timestamp) / 1000) }, group(row.sequence)),
          h("td", { class: "right" }, String(row.account)),
          h(
            "td",
            { class: "did" },
            h("div", {}, commandWords(app, row.command)),
            row.outcome.kind === "rejected" ? h("div", { class: "sell" }, outcomeWords(row.outcome)) : row.events.slice(0, 4).map((event) => h("div", {}, eventWords(app, event))),
            row.events.length > 4 && h("div", {}, `and ${row.events.length - 4} more`),
          ),
        ),
      ),
      shown.length === 0 && h("tr", {}, h("td", { colspan: 3 }, "None of yours among those shown.")),
    );
  };
  if (rows.length === 0) return fill(place, h("h3", {}, "Commands, as this page executed them"), h("p", { class: "hint" }, "They are kept for the batches that were verified last: verify this one again to see them."));
  const filter = h("input", { type: "checkbox", onchange: () => ((mine = filter.checked), draw()) });
  draw();
  const left = rows.length - Math.min(rows.length, 120) + more;
  fill(
    place,
    h("h3", {}, "Commands, as this page executed them"),
    account !== null && h("label", { class: "check" }, filter, "Only those that concern your account"),
    h(
      "table",
      { class: "data" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col", class: "right" }, "Sequence"), h("th", { scope: "col", class: "right" }, "Account"), h("th", { scope: "col" }, "Command and what it did"))),
      body,
    ),
    left > 0 && h("p", { class: "hint" }, `${group(String(left))} more are not shown.`),
  );
}
