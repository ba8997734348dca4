// Modal dialogs: the browser's own, which keep the focus inside and give it back.

import { h, icon, type Child } from "../dom";
import { symbols } from "./symbols";

export interface Dialog {
  body: HTMLElement;
  close: () => void;
}

/** Opens a dialog; `closed` is called when it is gone. */
export function openDialog(title: string, content: Child[], width = 560, closed?: () => void): Dialog {
  const id = `dialog-${crypto.randomUUID()}`;
  const body = h("div", { class: "body" }, content);
  const dialog = h(
    "dialog",
    { "aria-labelledby": id },
    h(
      "div",
      { class: "head" },
      h("h2", { id }, title),
      h("button", { class: "button quiet small", "aria-label": "Close", onclick: () => dialog.close() }, icon(symbols.close)),
    ),
    body,
  );
  dialog.style.setProperty("--width", `${width}px`);
  // A link in it leads to another page, which is not to be under it.
  const leave = (): void => dialog.close();
  addEventListener("hashchange", leave);
  dialog.addEventListener("close", () => {
    removeEventListener("hashchange", leave);
    dialog.remove();
    closed?.();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
  return { body, close: () => dialog.close() };
}
