// Light, dark, or as the system says.

import { Signal } from "../signal";

export type Choice = "system" | "light" | "dark";

const system = matchMedia("(prefers-color-scheme: dark)");
const kept = localStorage.getItem("theme");

export const choice = new Signal<Choice>(kept === "light" || kept === "dark" ? kept : "system");
/** What is shown. */
export const theme = new Signal<"light" | "dark">("light");

function apply(): void {
  const shown = choice.value === "system" ? (system.matches ? "dark" : "light") : choice.value;
  document.documentElement.dataset.theme = shown;
  theme.value = shown;
}

system.addEventListener("change", apply);
choice.watch((chosen) => {
  if (chosen === "system") localStorage.removeItem("theme");
  else localStorage.setItem("theme", chosen);
  apply();
});

/** The other one of light and dark; the system's own choice is taken up again where it is the same. */
export function toggleTheme(): void {
  const next = theme.value === "dark" ? "light" : "dark";
  choice.value = (system.matches ? "dark" : "light") === next ? "system" : next;
}

/** The value of a colour of `base.css`. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
