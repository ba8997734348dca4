// Requests to the exchange, and what is said when they fail.

import { remedyOf, sentence } from "./remedies";

/** A request that failed: what happened, and what to do about it. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly remedy: string | null,
  ) {
    super(message);
  }
}

export const NATIVE = "/api/glassbook/v1";
const PATIENCE = 10_000;

/** A request whose answer is JSON. */
export async function json<T>(path: string, init: RequestInit = {}): Promise<T> {
  const response = await ask(path, init);
  return (await response.json()) as T;
}

/** A request whose answer is bytes; `progress` hears how many have come. */
export async function binary(path: string, progress?: (done: number, total: number) => void): Promise<Uint8Array<ArrayBuffer>> {
  const response = await ask(path, {}, 120_000);
  const total = Number(response.headers.get("content-length") ?? 0);
  if (!response.body || !progress) return new Uint8Array(await response.arrayBuffer());
  const reader = response.body.getReader();
  const chunks: Uint8Array[] = [];
  let done = 0;
  for (;;) {
    const next = await reader.read();
    if (next.done) break;
    chunks.push(next.value);
    done += next.value.length;
    progress(done, Math.max(total, done));
  }
  const all = new Uint8Array(done);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/** A request whose answer is text. */
export async function plain(path: string): Promise<string> {
  return (await ask(path, {})).text();
}

async function ask(path: string, init: RequestInit, patience = PATIENCE): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { ...init, signal: init.signal ?? AbortSignal.timeout(patience), credentials: "omit" });
  } catch (error) {
    const late = error instanceof DOMException && error.name === "TimeoutError";
    throw new ApiError(
      0,
      "unreachable",
      late ? "The exchange did not answer in time." : "The exchange cannot be reached.",
      "Check that it runs and that this computer is online. The page goes on by itself when it is back.",
    );
  }
  if (response.ok) return response;
  throw await refusal(response);
}

async function refusal(response: Response): Promise<ApiError> {
  let body: Record<string, unknown> = {};
  try {
    body = (await response.json()) as Record<string, unknown>;
  } catch {
    // No JSON: the status has to do.
  }
  const code = String(body.code ?? response.status);
  const message = String(body.message ?? body.msg ?? (response.statusText || `The exchange answered ${response.status}.`));
  const remedy = typeof body.remedy === "string" && body.remedy !== "" ? body.remedy : remedyOf(code, message);
  return new ApiError(response.status, code, sentence(message), remedy);
}

export const post = (body: unknown): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});
