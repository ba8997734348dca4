// Commands, outcomes and events in words, with the market's own digits.

import type { App } from "../../app";
import type { ExchangeEvent, Outcome } from "../../checker/types";
import { formatDecimal, group, parseDecimal, trim } from "../../decimal";
import { amountText } from "../../exchange";

interface Scales {
  symbol: string;
  base: string;
  quote: string;
  price: (ticks: number) => string;
  quantity: (lots: string) => string;
  amount: (quanta: string) => string;
}

function scales(app: App, id: number): Scales {
  const info = app.exchange.markets.find((market) => market.market === id);
  const market = app.markets.find((market) => market.symbol === info?.symbol);
  if (!market) {
    return { symbol: `market ${id}`, base: "", quote: "", price: (ticks) => `${ticks} ticks`, quantity: (lots) => `${lots} lots`, amount: (quanta) => `${quanta} quanta` };
  }
  const tick = parseDecimal(market.tick, market.priceDecimals) ?? 1n;
  const step = parseDecimal(market.step, market.quantityDecimals) ?? 1n;
  const quote = app.exchange.assets.find((asset) => asset.symbol === market.quote);
  return {
    symbol: market.symbol,
    base: market.base,
    quote: market.quote,
    price: (ticks) => group(formatDecimal(BigInt(ticks) * tick, market.priceDecimals)),
    quantity: (lots) => trim(formatDecimal(BigInt(lots) * step, market.quantityDecimals)),
    amount: (quanta) => trim(amountText(quote, quanta)),
  };
}

function assetAmount(app: App, id: number, quanta: string): string {
  const asset = app.exchange.assets.find((asset) => asset.asset === id);
  return asset ? `${group(trim(amountText(asset, quanta)))} ${asset.symbol}` : `${quanta} quanta of asset ${id}`;
}

export function commandWords(app: App, command: { kind: string } & Record<string, any>): string {
  const order = (of: { id?: string; clientId?: string }): string => (of.id ? `order ${of.id}` : `the order with client id ${of.clientId}`);
  switch (command.kind) {
    case "place": {
      const s = scales(app, command.market);
      const amount = command.budget ? `for ${s.amount(command.budget)} ${s.quote}` : `${s.quantity(command.quantity)} ${s.base}`;
      const at = command.price === null ? "at the market" : `at ${s.price(command.price)}`;
      const when = command.trigger ? `, once the price reaches ${s.price(command.trigger.price)}` : "";
      const life = command.timeInForce === "gtc" || command.type !== "limit" ? "" : `, ${command.timeInForce.toUpperCase()}`;
      return `${command.side === "buy" ? "Buy" : "Sell"} ${amount} ${at}${when}${life}${command.postOnly ? ", post only" : ""} (${s.symbol})`;
    }
    case "cancel":
      return `Cancel ${order(command.order)} (${scales(app, command.market).symbol})`;
    case "replace": {
      const s = scales(app, command.market);
      const left = command.left === null ? "" : `, less what has traded since ${s.quantity(command.left)} ${s.base} were left`;
      return `Change ${order(command.order)} to ${s.quantity(command.quantity)} ${s.base} at ${s.price(command.price)}${left} (${s.symbol})`;
    }
    case "massCancel":
      return `Cancel all${command.side ? ` ${command.side}` : ""} orders${command.market === null ? "" : ` in ${scales(app, command.market).symbol}`}`;
    case "withdraw":
      return `Withdraw ${assetAmount(app, command.asset, command.amount)}`;
    case "deposit":
      return `Deposit ${assetAmount(app, command.asset, command.amount)}`;
    case "registerSession":
      return "Register a session key";
    case "operator":
      return `The operator: ${command.act}`;
    default:
      return command.kind;
  }
}

export function outcomeWords(outcome: Outcome): string {
  if (outcome.kind === "rejected") return `Rejected: ${outcome.reason ?? outcome.code}`;
  return outcome.kind === "accepted" ? `Accepted as order ${outcome.order}.` : "Done.";
}

export function eventWords(app: App, event: ExchangeEvent): string {
  switch (event.kind) {
    case "fill": {
      const s = scales(app, event.market);
      const maker = event.makerFee.startsWith("-") ? `earns ${s.amount(event.makerFee.slice(1))} ${s.quote}` : `pays ${s.amount(event.makerFee)} ${s.quote}`;
      return (
        `Trade: ${s.quantity(event.quantity)} ${s.base} at ${s.price(event.price)}; account ${event.takerAccount} ` +
        `${event.takerSide === "buy" ? "bought from" : "sold to"} account ${event.makerAccount} (order ${event.taker} took order ${event.maker}). ` +
        `Taker pays ${s.amount(event.takerFee)} ${s.quote}, maker ${maker}.`
      );
    }
    case "rested": {
      const s = scales(app, event.market);
      return `Order ${event.order} rests: ${event.side} ${s.quantity(event.quantity)} ${s.base} at ${s.price(event.price)}.`;
    }
    case "waiting":
      return `Order ${event.order} waits for ${scales(app, event.market).price(event.trigger)}.`;
    case "triggered":
      return `Order ${event.order} is triggered.`;
    case "replaced": {
      const s = scales(app, event.market);
      return `Order ${event.order} is now ${s.quantity(event.quantity)} ${s.base} at ${s.price(event.price)}${event.keptPlace ? ", in its place" : ""}.`;
    }
    case "cancelled": {
      const s = scales(app, event.market);
      return `Order ${event.order}: ${s.quantity(event.quantity)} ${s.base} left without trading, ${event.reason}.`;
    }
    case "deposited":
      return `Account ${event.account} is credited ${assetAmount(app, event.asset, event.amount)}.`;
    case "withdrawn":
      return `Withdrawal ${event.index} of account ${event.account}: ${assetAmount(app, event.asset, event.amount)}.`;
    case "accountOpened":
      return `Account ${event.account} is opened.`;
    case "sessionRegistered":
      return `Account ${event.account} has a new session key.`;
    default:
      return event.kind.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  }
}

/** What the exchange says of its proofs, without what stands before it already. */
export function statement(text: string): string {
  const bare = text.replace(/^NOT PROVED:\s*/, "");
  return bare === "" ? "" : `${bare[0]?.toUpperCase() ?? ""}${bare.slice(1)}${/[.!?]$/.test(bare) ? "" : "."}`;
}
