// The key that this browser holds: for this tab, or, if asked, until it is forgotten.

import { fromHex } from "../checker/checker";

export type Credentials =
  | { kind: "api key"; key: string; secret: string }
  | { kind: "session key"; account: number; secret: string };

const PLACE = "glassbook.key";

export function keptCredentials(): { credentials: Credentials; remembered: boolean } | null {
  for (const [store, remembered] of [[sessionStorage, false], [localStorage, true]] as const) {
    const text = store.getItem(PLACE);
    if (!text) continue;
    const credentials = parse(JSON.parse(text));
    if (credentials) return { credentials, remembered };
  }
  return null;
}

export function keepCredentials(credentials: Credentials | null, remember: boolean): void {
  sessionStorage.removeItem(PLACE);
  localStorage.removeItem(PLACE);
  if (credentials) (remember ? localStorage : sessionStorage).setItem(PLACE, JSON.stringify(credentials));
}

function parse(value: any): Credentials | null {
  if (value?.kind === "api key" && value.key && value.secret) {
    return { kind: "api key", key: String(value.key), secret: String(value.secret) };
  }
  if (value?.kind === "session key" && Number.isInteger(value.account) && fromHex(String(value.secret))?.length === 32) {
    return { kind: "session key", account: value.account, secret: String(value.secret) };
  }
  return null;
}

/**
 * A key in the page's address, behind the hash sign, where no server sees it:
 * `#/account?key=…&secret=…`, or `#/account?account=7&session=…`.
 */
export function credentialsOf(query: URLSearchParams): Credentials | null {
  return (
    parse({ kind: "api key", key: query.get("key"), secret: query.get("secret") }) ??
    parse({ kind: "session key", account: Number(query.get("account") ?? NaN), secret: query.get("session") ?? "" })
  );
}
