// What to do about a refusal that does not say so itself.

/** By Binance's codes. */
const BY_CODE: Record<string, string> = {
  "-1003": "Wait a little: there were more requests than the limit allows.",
  "-1007": "The answer did not come in time; look at the open orders before you try again.",
  "-1013": "Change price or quantity to a multiple of the market's step, within its limits.",
  "-1015": "Wait a little: there were more orders than the limit allows.",
  "-1021": "The clock of this computer is off: set it, or let it be set by the network.",
  "-1022": "The secret does not belong to this API key: enter both again on the Account page.",
  "-1102": "A field is missing: fill it in.",
  "-1111": "Use fewer digits after the point.",
  "-2011": "The order has traded or was cancelled already.",
  "-2013": "There is no such order.",
  "-2014": "Enter the API key again on the Account page.",
  "-2015": "The key is unknown, revoked, or not allowed to do this: use another on the Account page.",
};

/** By the words of the exchange's own reasons (the book: Rejections), which both APIs use. */
const BY_WORDS: [RegExp, string][] = [
  [/balance does not cover|insufficient balance/i, "Ask for less, or cancel an order that sets the balance aside."],
  [/too far from the last price|PERCENT_PRICE/i, "Choose a price nearer to the last one."],
  [/post-only order would trade|immediately match/i, "Choose a price that does not trade at once, or leave “post only” away."],
  [/fill-or-kill/i, "Ask for less, at a worse price, or as “immediate or cancel”."],
  [/needs a budget/i, "Give a stop that buys a limit price."],
  [/trigger condition already holds|trigger immediately/i, "Place the order without a trigger, or move the trigger beyond the last price."],
  [/no last price yet/i, "Use a limit order: there is nothing yet that would bound a market order."],
  [/exceeds the account's limit|position would exceed|open orders in this market/i, "Ask for less, or cancel other orders first: the account has limits."],
  [/halted/i, "Wait until trading goes on. Cancelling still works."],
  [/suspended/i, "Ask the operator. Cancelling and withdrawing still work."],
  [/session, or it has expired/i, "Register a new session key on the Account page."],
  [/already has an open order with this client/i, "Choose another client order id."],
  [/exchange holds as many|capacity/i, "Try again later: the exchange is full."],
  [/triggered orders of this market/i, "Try again at once."],
];

/** What Binance's filters are about. */
const FILTERS: Record<string, string> = {
  LOT_SIZE: "The quantity does not fit the market's steps or limits.",
  PRICE_FILTER: "The price does not fit the market's steps or limits.",
  PERCENT_PRICE_BY_SIDE: "The price is too far from the last one.",
  NOTIONAL: "The order's value is beyond the market's limits.",
  MAX_POSITION: "The position would exceed the account's limit.",
  MAX_NUM_ORDERS: "The account has as many open orders in this market as it may have.",
};

/** A message as a sentence, where it is only a filter's name. */
export function sentence(message: string): string {
  const filter = /^Filter failure: (\w+)/.exec(message)?.[1];
  const told = (filter && FILTERS[filter]) ?? message;
  const said = told.charAt(0).toUpperCase() + told.slice(1);
  return /[.!?…]$/.test(said) || said === "" ? said : `${said}.`;
}

export function remedyOf(code: string, message: string): string | null {
  return BY_WORDS.find(([words]) => words.test(message))?.[1] ?? BY_CODE[code] ?? null;
}
