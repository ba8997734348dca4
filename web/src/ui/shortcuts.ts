// Keys that do something anywhere on the page. Not while somebody types, and not while a dialog is open.

import { h } from "../dom";
import { openDialog } from "./dialog";

interface Shortcut {
  keys: string;
  what: string;
  run: () => void;
}

const shortcuts: Shortcut[] = [];
let first: string | null = null;

/** Adds a shortcut: one key, or two one after the other (`g p`), without words if it needs none; returns what takes it away. */
export function shortcut(keys: string, what: string, run: () => void): () => void {
  const entry = { keys, what, run };
  shortcuts.push(entry);
  return () => {
    const at = shortcuts.indexOf(entry);
    if (at >= 0) shortcuts.splice(at, 1);
  };
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const target = event.target as HTMLElement;
  if (target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName)) {
    if (event.key === "Escape") target.blur();
    return;
  }
  const keys = first ? `${first} ${event.key}` : event.key;
  first = null;
  const found = shortcuts.findLast((entry) => entry.keys === keys);
  if (found) {
    event.preventDefault();
    found.run();
  } else if (shortcuts.some((entry) => entry.keys.startsWith(`${event.key} `))) {
    first = event.key;
    setTimeout(() => (first = null), 1_500);
  }
});

export function showHelp(): void {
  openDialog("Keyboard", [
    h(
      "dl",
      { class: "keys" },
      shortcuts
        .filter(({ what }) => what !== "")
        .flatMap(({ keys, what }) => [h("dt", {}, keys.split(" ").map((key) => h("kbd", {}, key))), h("dd", {}, what)]),
      shortcuts.some(({ keys }) => keys === "1") && [h("dt", {}, h("kbd", {}, "1"), "to", h("kbd", {}, "7")), h("dd", {}, "interval of a candle")],
      h("dt", {}, h("kbd", {}, "↑"), h("kbd", {}, "↓")),
      h("dd", {}, "in a price or quantity: one step more or less; with shift, ten"),
    ),
    h(
      "p",
      { class: "credit" },
      "Candles are drawn with TradingView Lightweight Charts™, © TradingView, Inc., under the Apache License 2.0: ",
      h("a", { href: "https://www.tradingview.com/", rel: "noreferrer noopener", target: "_blank" }, "www.tradingview.com"),
      ". Type: Inter and JetBrains Mono, under the SIL Open Font License.",
    ),
  ]);
}
