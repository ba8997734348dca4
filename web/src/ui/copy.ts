// A long number in few digits: the whole of it is copied by a click, and read by a screen reader.

import { h, icon } from "../dom";
import { short } from "../proofs/verifying";
import { symbols } from "./symbols";
import { toast } from "./toast";

/** `name` says what it is, for whoever does not see where it stands. */
export function copyable(name: string, hash: string): HTMLElement {
  const whole = `0x${hash.replace(/^0x/, "")}`;
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(whole);
      toast("good", `${name} is copied`, whole);
    } catch {
      // Where the browser does not let the page copy, it is at least to be seen.
      toast("info", name, whole);
    }
  };
  return h("button", { class: "copy mono", type: "button", title: whole, "aria-label": `Copy: ${name} ${short(hash)}`, onclick: () => void copy() }, short(hash), icon(symbols.copy, 12));
}
