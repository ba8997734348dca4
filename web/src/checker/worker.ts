// Runs crates/browser's wasm in a thread of its own. It takes requests one at a time and answers in order.

interface Wasm {
  memory: WebAssembly.Memory;
  request(length: number): number;
  answer(): number;
  answer_at(): number;
  failure_at(): number;
  failure_length(): number;
}

export interface Request {
  id: number;
  operation: string;
  inputs: Uint8Array[];
}

let module: Promise<WebAssembly.Module> | null = null;
let wasm: Wasm | null = null;
let current = 0;

async function instance(): Promise<Wasm> {
  module ??= WebAssembly.compileStreaming(fetch("browser.wasm"));
  const imports = {
    page: {
      progress: (done: number, total: number) => postMessage({ id: current, progress: [done >>> 0, total >>> 0] }),
    },
  };
  return (await WebAssembly.instantiate(await module, imports)).exports as unknown as Wasm;
}

function encode(operation: string, inputs: Uint8Array[]): Uint8Array {
  const parts = [new TextEncoder().encode(operation), ...inputs];
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + 4 + part.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const part of parts) {
    view.setUint32(at, part.length, true);
    bytes.set(part, at + 4);
    at += 4 + part.length;
  }
  return bytes;
}

async function run({ id, operation, inputs }: Request): Promise<void> {
  try {
    wasm ??= await instance();
  } catch (error) {
    module = null;
    postMessage({ id, error: { code: "load", message: `browser.wasm cannot be loaded: ${String(error)}` } });
    return;
  }
  current = id;
  const text = (at: number, length: number): string =>
    new TextDecoder().decode(new Uint8Array((wasm as Wasm).memory.buffer, at, length));
  try {
    const bytes = encode(operation, inputs);
    const at = wasm.request(bytes.length);
    new Uint8Array(wasm.memory.buffer, at, bytes.length).set(bytes);
    const length = wasm.answer();
    postMessage({ id, ...JSON.parse(text(wasm.answer_at(), length)) });
  } catch (error) {
    // A trap: the instance's memory may be in any state.
    const why = text(wasm.failure_at(), wasm.failure_length()) || String(error);
    wasm = null;
    postMessage({ id, error: { code: "trap", message: `The execution stopped: ${why}` } });
  }
}

let last = Promise.resolve();
addEventListener("message", (event: MessageEvent<Request>) => {
  last = last.then(() => run(event.data));
});
