// Order entry: limit, market and stop orders, with what they would cost and what there is.

import { ApiError } from "../../api";
import type { App } from "../../app";
import type { NewOrder, Side } from "../../account/types";
import { formatDecimal, group, parseDecimal, rounded, trim } from "../../decimal";
import { h, icon, mark, say } from "../../dom";
import type { LocalBook } from "../../market/book";
import type { Market } from "../../market/markets";
import { onFrame, Scope } from "../../signal";
import { symbols } from "../../ui/symbols";
import { toast, toastError } from "../../ui/toast";
import { faultOf, walk, type AmountRule } from "./amount";

type Kind = NewOrder["kind"];

export interface Entry {
  element: HTMLElement;
  price(text: string): void;
  side(side: Side): void;
  kind(kind: Kind): void;
  cancelAll(): void;
}

export function entryPanel(app: App, market: Market, book: LocalBook, scope: Scope): Entry {
  const state = { side: "buy" as Side, kind: "limit" as Kind, placing: false };
  const step = parseDecimal(market.step, market.quantityDecimals) ?? 1n;

  const priceRule = { unit: market.quote, step: market.tick, decimals: market.priceDecimals, most: market.maxPrice };
  const price = numberField("Price", { ...priceRule, what: "a price" });
  const trigger = numberField("Trigger price", { ...priceRule, what: "a trigger price" });
  const quantity = numberField("Quantity", { what: "a quantity", unit: market.base, step: market.step, decimals: market.quantityDecimals, most: market.maxQuantity });
  const postOnly = h("input", { type: "checkbox" });
  const life = h(
    "select",
    { "aria-label": "Time in force" },
    h("option", { value: "gtc" }, "Good till cancelled"),
    h("option", { value: "ioc" }, "Immediate or cancel"),
    h("option", { value: "fok" }, "Fill or kill"),
  );
  const options = h("div", { class: "options" }, h("label", { class: "check" }, postOnly, "Post only"), h("div", { class: "input" }, life));
  const hint = h("p", { class: "hint" });
  const available = h("b");
  const availableLine = h("div", { class: "line" }, h("span", {}, "Available"), available);
  const total = h("b");
  const fee = h("b");
  const buttons = {
    // Not the form's own buttons: those would send the order, and Enter in a field would press the first of them.
    buy: h("button", { class: "buying", type: "button", role: "radio", onclick: () => choose("buy") }, "Buy"),
    sell: h("button", { class: "selling", type: "button", role: "radio", onclick: () => choose("sell") }, "Sell"),
  };
  const kinds = h(
    "div",
    { class: "segments", role: "group", "aria-label": "Kind of order" },
    (["limit", "market", "stop"] as const).map((kind) =>
      h("button", { "data-kind": kind, onclick: () => kindOf(kind) }, kind[0]?.toUpperCase() + kind.slice(1)),
    ),
  );
  const shares = h(
    "div",
    { class: "shares", role: "group", "aria-label": "Share of what is there" },
    [25, 50, 75, 100].map((share) => h("button", { class: "button small", type: "button", onclick: () => take(share) }, `${share} %`)),
  );
  const submit = h("button", { class: "place", type: "submit" });
  const invite = h(
    "div",
    { class: "invite" },
    h("span", {}, "To place orders, give this page a key. It stays in this browser."),
    h("a", { class: "button primary small", href: "#/account" }, icon(symbols.key), "Use a key"),
  );
  const form = h(
    "form",
    { class: "body", novalidate: true, autocomplete: "off" },
    h("div", { class: "sides", role: "radiogroup", "aria-label": "Side" }, buttons.buy, buttons.sell),
    invite,
    trigger.element,
    price.element,
    quantity.element,
    shares,
    options,
    h("div", { class: "sums" }, availableLine, h("div", { class: "line" }, h("span", {}, "Value"), total), h("div", { class: "line" }, h("span", {}, "Fee at most"), fee)),
    submit,
    // Below the button, which it then never moves.
    hint,
  );

  const best = (): string | null => {
    const level = state.side === "buy" ? book.asks[0] : book.bids[0];
    return level ? formatDecimal(BigInt(level[0]), market.priceDecimals) : (market.day.value?.last ?? null);
  };
  /** Null where it is not known. */
  const known = (): bigint | null => {
    const asset = state.side === "buy" ? market.quote : market.base;
    if (app.trader.value?.trouble.value) return null;
    const free = app.trader.value?.balances.value.find((own) => own.asset === asset)?.free;
    const decimals = state.side === "buy" ? market.amountDecimals : market.quantityDecimals;
    return free === undefined ? null : parseDecimal(cut(free, decimals), decimals);
  };
  const balance = (): bigint => known() ?? 0n;
  /** The price that an order's value is reckoned at, in units. */
  const reckoned = (): bigint | null => {
    const text = state.kind === "market" || (state.kind === "stop" && price.input.value === "") ? (state.kind === "stop" ? trigger.input.value : best()) : price.input.value;
    return text && faultOf(text, { ...priceRule, what: "a price" }) === null ? parseDecimal(text, market.priceDecimals) : null;
  };
  const takerFee = (): number => app.exchange.markets.find((info) => info.symbol === market.symbol)?.takerFee ?? 0;

  /** A price that nobody typed. */
  const suggest = (text: string | null): void => {
    price.input.value = text ?? "";
    price.right();
  };

  const refresh = (): void => {
    const trader = app.trader.value;
    const buying = state.side === "buy";
    for (const side of ["buy", "sell"] as const) {
      mark(buttons[side], "aria-checked", String(side === state.side));
      mark(buttons[side], "tabindex", side === state.side ? "0" : "-1");
    }
    for (const button of kinds.children) mark(button, "aria-pressed", String(button.getAttribute("data-kind") === state.kind));
    invite.hidden = trader !== null;
    trigger.element.hidden = state.kind !== "stop";
    price.element.hidden = state.kind === "market";
    say(price.label, state.kind === "stop" && !buying ? "Limit price (empty: market)" : state.kind === "stop" ? "Limit price" : "Price");
    options.hidden = state.kind === "market";
    (postOnly.parentElement as HTMLElement).hidden = state.kind !== "limit";
    if (postOnly.checked) life.value = "gtc";
    life.disabled = postOnly.checked && state.kind === "limit";
    submit.className = `place ${buying ? "buying" : "selling"}`;
    say(submit, `${buying ? "Buy" : "Sell"} ${market.base}`);
    submit.disabled = trader === null || !market.trading;
    // Still to be focused, as whoever pressed it is there.
    mark(submit, "aria-disabled", state.placing ? "true" : null);
    for (const share of shares.children as HTMLCollectionOf<HTMLButtonElement>) share.disabled = known() === null;
    const free = formatDecimal(balance(), buying ? market.amountDecimals : market.quantityDecimals);
    say(available, known() === null ? "–" : `${group(buying ? cut(free, 2) : free)} ${buying ? market.quote : market.base}`);
    const amount = quantity.fault() === null ? parseDecimal(quantity.input.value, market.quantityDecimals) : null;
    const [at, decimals] = [reckoned(), market.priceDecimals + market.quantityDecimals];
    const crossed = state.kind === "market" && amount !== null ? walk(buying ? book.asks : book.bids, amount) : null;
    const value = crossed ? crossed.cost : at !== null && amount !== null ? at * amount : null;
    // Above zero, it is what a taker pays; makers pay less.
    const due = value === null ? null : (value * BigInt(Math.max(0, takerFee()))) / 1_000_000n;
    say(total, value === null ? "–" : `${state.kind === "market" ? "≈ " : ""}${rounded(value, decimals, 2)} ${market.quote}`);
    say(fee, due === null ? `${trim((takerFee() / 10_000).toFixed(4))} %` : `${rounded(due, decimals, 4)} ${market.quote}`);
    const short = wanting(amount, value, due);
    availableLine.classList.toggle("short", short !== null);
    const trouble = trader?.trouble.value ?? null;
    hint.classList.toggle("wrong", (trouble ?? short) !== null);
    say(hint, trouble ?? short ?? described(crossed, amount));
  };
  /** That the balance is too small for it, where that is so. */
  const wanting = (amount: bigint | null, value: bigint | null, due: bigint | null): string | null => {
    const have = known();
    if (have === null || amount === null || amount === 0n) return null;
    if (state.side === "sell") {
      return amount > have ? `More than the ${group(formatDecimal(have, market.quantityDecimals))} ${market.base} that are available.` : null;
    }
    if (value === null || due === null) return null;
    const decimals = market.priceDecimals + market.quantityDecimals;
    if ((value + due) * 10n ** BigInt(market.amountDecimals) <= have * 10n ** BigInt(decimals)) return null;
    return `Needs ${rounded(value + due, decimals, 2)} ${market.quote} with the fee: more than is available.`;
  };
  const described = (crossed: ReturnType<typeof walk> | null, amount: bigint | null): string => {
    if (!market.trading) return "This market is halted: no new orders.";
    const text = (at: number): string => group(formatDecimal(BigInt(at), market.priceDecimals));
    if (crossed && amount !== null && book.synced.value) {
      if (crossed.worst === null) return `Nobody ${state.side === "buy" ? "sells" : "buys"} at the moment.`;
      const reach = `${state.side === "buy" ? "up" : "down"} to ${text(crossed.worst)}`;
      if (crossed.taken < amount) return `The book holds ${formatDecimal(crossed.taken, market.quantityDecimals)} ${market.base}, ${reach}; the rest would expire.`;
      return `On the book as it is, at about ${rounded(crossed.cost / crossed.taken, market.priceDecimals, market.priceDecimals)} on average, ${reach}.`;
    }
    if (state.kind !== "stop") return "";
    const [at, last] = [Number(trigger.input.value.replaceAll(",", "")), Number(market.day.value?.last ?? 0)];
    if (!(at > 0) || last === 0) return "Waits until the last price reaches the trigger.";
    const rising = at > last;
    const kind = rising === (state.side === "buy") ? "Stop-loss" : "Take-profit";
    return `${kind}: waits until the last price ${rising ? "rises" : "falls"} to ${group(trigger.input.value.replaceAll(",", ""))}, ${state.side === "buy" ? "then buys" : "then sells"}.`;
  };
  const take = (share: number): void => {
    let amount = (balance() * BigInt(share)) / 100n;
    if (state.side === "buy") {
      const at = reckoned();
      if (at === null || at === 0n) return price.input.focus();
      // With room for the taker's fee.
      const net = (amount * 1_000_000n) / (1_000_000n + BigInt(Math.max(0, takerFee())));
      amount = (net * 10n ** BigInt(market.priceDecimals + market.quantityDecimals)) / (at * 10n ** BigInt(market.amountDecimals));
    }
    quantity.input.value = formatDecimal((amount / step) * step, market.quantityDecimals);
    quantity.right();
    refresh();
  };
  const choose = (side: Side): void => {
    state.side = side;
    refresh();
  };
  const kindOf = (kind: Kind): void => {
    state.kind = kind;
    if (kind !== "market" && price.input.value === "" && kind === "limit") suggest(best());
    refresh();
  };

  const read = (): NewOrder | null => {
    for (const field of [price, trigger, quantity]) field.right();
    const market_ = state.kind === "market" || (state.kind === "stop" && state.side === "sell" && price.input.value.trim() === "");
    // In the order in which they stand; the first that is wrong gets the focus.
    const asked = [...(state.kind === "stop" ? [trigger] : []), ...(market_ ? [] : [price]), quantity];
    let wrong = 0;
    for (const field of asked) {
      const fault = field.fault();
      if (fault !== null) field.wrong(fault, wrong++ === 0);
    }
    if (wrong > 0) return null;
    const clean = (field: NumberField, decimals: number): string => formatDecimal(parseDecimal(field.input.value, decimals) ?? 0n, decimals);
    return {
      market,
      side: state.side,
      kind: state.kind,
      quantity: clean(quantity, market.quantityDecimals),
      price: market_ ? null : clean(price, market.priceDecimals),
      trigger: state.kind === "stop" ? clean(trigger, market.priceDecimals) : null,
      rising: Number(trigger.input.value.replaceAll(",", "")) > Number(market.day.value?.last ?? 0),
      timeInForce: life.value as NewOrder["timeInForce"],
      postOnly: postOnly.checked,
    };
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (state.placing) return;
    const trader = app.trader.value;
    const order = trader && read();
    if (!trader || !order) return;
    if (trader.trouble.value) return toast("bad", "Not sent", trader.trouble.value);
    state.placing = true;
    refresh();
    const words = `${order.side === "buy" ? "Buy" : "Sell"} ${order.quantity} ${market.base}${order.price ? ` at ${group(order.price)}` : ""}`;
    const start = performance.now();
    try {
      const placed = await trader.place(order);
      const took = `acknowledged in ${Math.round(performance.now() - start)} ms`;
      const done = Number(placed.executed) > 0;
      const state = placed.status === "FILLED" ? "filled" : done ? `${placed.executed} filled` : placed.status === "EXPIRED" ? "nothing traded, the rest expired" : "rests on the book";
      toast(placed.status === "EXPIRED" && !done ? "warn" : "good", words, `Order ${placed.id}: ${order.kind === "stop" && !done ? "waits for its trigger" : state}; ${took}.`);
    } catch (error) {
      // Without an answer nobody knows here whether it was sent in time.
      if (error instanceof ApiError && error.code === "unreachable") {
        toast("bad", `${words}: no answer`, `${error.message} Whether it counts is not known: look at your open orders and fills, when the page is connected again, before you repeat it.`);
      } else toastError(`${words}: not accepted`, error);
    } finally {
      state.placing = false;
      refresh();
    }
  });
  form.addEventListener("input", refresh);
  form.addEventListener("change", refresh);
  buttons.buy.parentElement?.addEventListener("keydown", (event) => {
    if (!/^Arrow/.test((event as KeyboardEvent).key)) return;
    event.preventDefault();
    choose(state.side === "buy" ? "sell" : "buy");
    buttons[state.side].focus();
  });

  const cancelAll = async (): Promise<void> => {
    const trader = app.trader.value;
    const open = trader?.orders.value.filter((order) => order.symbol === market.symbol).length ?? 0;
    if (!trader || open === 0) return toast("info", `No open orders in ${market.symbol}`);
    try {
      await trader.cancelAll(market.symbol);
      toast("good", `Cancelled ${open} ${open === 1 ? "order" : "orders"} in ${market.symbol}`);
    } catch (error) {
      toastError("Not cancelled", error);
    }
  };

  let own = new Scope();
  scope.add(
    () => own.end(),
    app.trader.watch((trader) => {
      own.end();
      own = new Scope();
      if (trader) own.add(trader.balances.watch(refresh), trader.trouble.watch(refresh));
      refresh();
    }),
    market.day.watch(() => {
      if (state.kind !== "limit") refresh();
    }),
    book.changed.watch(() => {
      if (state.kind === "market") onFrame(refresh);
    }),
    book.synced.watch((synced) => {
      if (synced && price.input.value === "" && state.kind === "limit") suggest(best());
      refresh();
    }),
  );
  const element = h(
    "section",
    { class: "panel entry part", "aria-label": "New order" },
    h("div", { class: "head" }, h("h2", {}, "Order"), h("span", { class: "push" }, kinds)),
    form,
  );
  const focus = (field: NumberField): void => {
    field.input.focus();
    field.input.select();
  };
  return {
    element,
    price: (text) => {
      suggest(text);
      if (state.kind === "market") state.kind = "limit";
      refresh();
      focus(quantity);
    },
    side: (side) => {
      choose(side);
      focus(quantity);
    },
    kind: kindOf,
    cancelAll: () => void cancelAll(),
  };
}

interface NumberField {
  element: HTMLElement;
  label: HTMLElement;
  input: HTMLInputElement;
  /** What is wrong with what stands there; null where nothing is. */
  fault(): string | null;
  wrong(why: string, focus: boolean): void;
  right(): void;
}

let fields = 0;

/** A field for a decimal number; the arrow keys change it by its step. */
function numberField(name: string, rule: AmountRule): NumberField {
  const { unit, decimals } = rule;
  const step = parseDecimal(rule.step, decimals) ?? 1n;
  const id = `field-${++fields}`;
  const input = h("input", { id, type: "text", inputmode: "decimal", autocomplete: "off", "aria-describedby": `${id}-why` });
  const label = h("label", { for: id }, name);
  const why = h("p", { class: "hint wrong", id: `${id}-why`, hidden: true });
  const box = h("div", { class: "input" }, input, h("span", { class: "unit" }, unit));
  input.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    event.preventDefault();
    const by = (event.key === "ArrowUp" ? step : -step) * (event.shiftKey ? 10n : 1n);
    const next = (parseDecimal(input.value || "0", decimals) ?? 0n) + by;
    if (next < 0n) return;
    input.value = formatDecimal(next, decimals);
    input.dispatchEvent(new Event("input", { bubbles: true }));
  });
  const right = (): void => {
    box.classList.remove("wrong");
    input.removeAttribute("aria-invalid");
    why.hidden = true;
  };
  input.addEventListener("input", right);
  return {
    element: h("div", { class: "field" }, label, box, why),
    label,
    input,
    right,
    fault: () => faultOf(input.value, rule),
    wrong: (text, focus) => {
      box.classList.add("wrong");
      input.setAttribute("aria-invalid", "true");
      why.textContent = text;
      why.hidden = false;
      if (focus) input.focus();
    },
  };
}

/** Without the digits that are too many. */
function cut(text: string, decimals: number): string {
  const [whole = "0", fraction = ""] = text.split(".");
  return decimals > 0 ? `${whole}.${fraction.slice(0, decimals)}` : whole;
}
