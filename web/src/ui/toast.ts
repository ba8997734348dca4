// Short messages. What went wrong comes with what to do about it.

import { ApiError } from "../api";
import { CheckError } from "../checker/checker";
import { h, icon } from "../dom";
import { symbols } from "./symbols";

export type Tone = "info" | "good" | "warn" | "bad";

const place = h("div", { class: "toasts", role: "region", "aria-label": "Messages" });
// Screen readers hear of fills at once and of errors before all else; both regions must be there before anything is said.
const polite = h("div", { class: "visually-hidden", "aria-live": "polite", role: "status" });
const urgent = h("div", { class: "visually-hidden", "aria-live": "assertive", role: "alert" });
const MOST = 4;

export function toastPlaces(): HTMLElement[] {
  return [place, polite, urgent];
}

/** Shows a message for some seconds; errors for longer, and longer still while the pointer or the focus is on them. */
export function toast(tone: Tone, what: string, more?: string | null): void {
  const end = (): void => element.remove();
  const element = h(
    "div",
    { class: "toast", "data-tone": tone },
    icon(tone === "good" ? symbols.good : tone === "info" ? symbols.info : symbols.bad),
    h("div", { class: "what" }, what),
    h("button", { "aria-label": "Close the message", onclick: end }, icon(symbols.close, 14)),
    more && h("div", { class: "more" }, more),
  );
  let timer = 0;
  const start = (): void => {
    clearTimeout(timer);
    timer = window.setTimeout(end, tone === "bad" || tone === "warn" ? 9_000 : 4_500);
  };
  element.onpointerenter = () => clearTimeout(timer);
  element.onpointerleave = start;
  element.addEventListener("focusin", () => clearTimeout(timer));
  element.addEventListener("focusout", start);
  start();
  place.append(element);
  while (place.childElementCount > MOST) place.firstElementChild?.remove();
  (tone === "bad" ? urgent : polite).textContent = more ? `${what} ${more}` : what;
}

/** Shows why something failed. */
export function toastError(what: string, error: unknown): void {
  const { message, remedy } = explain(error);
  toast("bad", what, remedy ? `${message} ${remedy}` : message);
}

export function explain(error: unknown): { message: string; remedy: string | null } {
  if (error instanceof ApiError) return { message: error.message, remedy: error.remedy };
  if (error instanceof CheckError) return { message: error.message, remedy: null };
  return { message: error instanceof Error ? error.message : String(error), remedy: null };
}
