// The exchange that is tried: one that runs already, or `glassbook dev`.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** How long it may take until the exchange says where it is. */
const PATIENCE = 120_000;

/** `{ url, key, secret, owner, stop }`; the owner's key is another account's, where one is known. */
export async function startExchange() {
  const { E2E_URL, E2E_KEY, E2E_SECRET, E2E_OWNER, GLASSBOOK_BIN, GLASSBOOK_ARGS } = process.env;
  if (E2E_URL) return { url: E2E_URL.replace(/\/$/, ""), key: E2E_KEY, secret: E2E_SECRET, owner: E2E_OWNER, stop: async () => {} };
  const data = await mkdtemp(join(tmpdir(), "glassbook-e2e-"));
  const given = (GLASSBOOK_ARGS ?? `dev --data ${data}/data`).split(" ").filter(Boolean);
  const child = spawn(GLASSBOOK_BIN, given, { stdio: ["ignore", "pipe", "inherit"] });
  const stop = async () => {
    if (child.exitCode === null) {
      child.kill("SIGINT");
      await new Promise((resolve) => child.once("exit", resolve));
    }
    await rm(data, { recursive: true, force: true });
  };
  let said = "";
  try {
    await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no URL and key within ${PATIENCE / 1000} s:\n${said}`)), PATIENCE);
      child.once("exit", (code) => reject(new Error(`the exchange ended with ${code}:\n${said}`)));
      child.stdout.on("data", (chunk) => {
        said += chunk;
        if (!found(said)) return;
        clearTimeout(timer);
        resolve();
      });
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { ...found(said), stop };
}

/** The page's address, and a key that may trade: in a link to the account page, or in a table of roles. */
function found(said) {
  const url = /https?:\/\/[^\s/#]+/.exec(said)?.[0];
  const link = /#\/account\?key=([^&\s]+)&secret=([^&\s]+)/.exec(said) ?? /^\s*trade\s+(\S+)\s+(\S+)\s*$/m.exec(said);
  // The second funded account: the first one's session is the one that trades by the API key.
  const owner = /^\(1\) 0x[0-9a-f]{40}\s+(0x[0-9a-f]{64})\s*$/im.exec(said)?.[1];
  return url && link ? { url, key: decodeURIComponent(link[1]), secret: decodeURIComponent(link[2]), owner } : null;
}
