import assert from "node:assert/strict";
import { test } from "node:test";

import { grouped, LocalBook, units, type Level } from "../src/market/book";
import type { Streams } from "../src/stream";

/** A server of one book: what is told, and what a snapshot says when it is asked for. */
class Server {
  listener: { message: (data: unknown) => void; reset?: () => void } | null = null;
  snapshots: { lastUpdateId: number; bids: [string, string][]; asks: [string, string][] }[] = [];
  asked = 0;

  streams = {
    on: (_: string, listener: Server["listener"]) => {
      this.listener = listener;
      return () => undefined;
    },
  } as unknown as Streams;

  constructor() {
    globalThis.fetch = (async () => {
      this.asked++;
      const snapshot = this.snapshots.length > 1 ? this.snapshots.shift() : this.snapshots[0];
      return new Response(JSON.stringify(snapshot));
    }) as typeof fetch;
  }

  tell(U: number, u: number, b: [string, string][] = [], a: [string, string][] = []): void {
    this.listener?.message({ U, u, b, a });
  }
}

const until = async (done: () => boolean): Promise<void> => {
  for (let tries = 0; !done(); tries++) {
    assert.ok(tries < 300, "it never came to that");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

test("changes older than the snapshot are dropped, later ones applied", async () => {
  const server = new Server();
  server.snapshots = [{ lastUpdateId: 10, bids: [["100.0", "1.00"], ["99.5", "2.00"]], asks: [["101.0", "3.00"]] }];
  const book = new LocalBook("X", 1, 2, server.streams);
  server.listener?.reset?.();
  server.tell(8, 9, [["100.0", "9.00"]]);
  server.tell(10, 12, [["100.0", "0.00"], ["99.0", "5.00"]]);
  await until(() => book.synced.value);
  assert.deepEqual(book.bids, [[995, 200], [990, 500]] satisfies Level[]);
  server.tell(13, 13, [], [["100.5", "0.50"]]);
  assert.deepEqual(book.asks, [[1005, 50], [1010, 300]] satisfies Level[]);
  book.end();
});

test("a gap makes the book start over", async () => {
  const server = new Server();
  const level = (id: number): (typeof server.snapshots)[0] => ({ lastUpdateId: id, bids: [["100.0", `${id}.00`]], asks: [["101.0", "1.00"]] });
  server.snapshots = [level(10), level(30)];
  const book = new LocalBook("X", 1, 2, server.streams);
  server.listener?.reset?.();
  await until(() => book.synced.value);
  server.tell(11, 11);
  server.tell(20, 21, [["100.0", "7.00"]]);
  assert.equal(book.synced.value, false);
  await until(() => book.synced.value);
  assert.equal(server.asked, 2);
  assert.deepEqual(book.bids, [[1000, 3000]] satisfies Level[]);
  book.end();
});

test("a snapshot from before all changes is asked for again", async () => {
  const server = new Server();
  const level = (id: number): (typeof server.snapshots)[0] => ({ lastUpdateId: id, bids: [], asks: [["101.0", "1.00"]] });
  server.snapshots = [level(3), level(9)];
  const book = new LocalBook("X", 1, 2, server.streams);
  server.listener?.reset?.();
  server.tell(8, 10, [["100.0", "1.00"]]);
  await until(() => book.synced.value);
  assert.equal(server.asked, 2);
  assert.deepEqual(book.bids, [[1000, 100]] satisfies Level[]);
  book.end();
});

test("levels are put together away from the middle", () => {
  const bids: Level[] = [[1009, 1], [1001, 2], [999, 4]];
  assert.deepEqual(grouped(bids, 10, "bid", 5), [[1000, 3], [990, 4]]);
  const asks: Level[] = [[1010, 1], [1011, 2], [1020, 4]];
  assert.deepEqual(grouped(asks, 10, "ask", 5), [[1010, 1], [1020, 6]]);
  assert.equal(units("64243.5", 2), 6424350);
});
