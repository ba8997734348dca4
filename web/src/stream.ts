// One WebSocket for all market streams: it reconnects by itself and subscribes again.

import { Signal } from "./signal";

type Listener = {
  /** One message of the stream. */
  message: (data: any) => void;
  /** The connection is new: whatever was known may be old. */
  reset?: () => void;
};

export type Connection = "connecting" | "live" | "silent" | "offline";

/** Without any message for so long, the connection is called silent, then closed. */
const SILENT = 5_000;
const DEAD = 15_000;
/** Changes of subscriptions within so long are sent together. */
const TOGETHER = 50;
const LONGEST_PAUSE = 10_000;

export class Streams {
  readonly status = new Signal<Connection>("connecting");
  /** From the exchange's event time to here, in milliseconds; clocks included. */
  readonly lag = new Signal<number | null>(null);
  private readonly listeners = new Map<string, Set<Listener>>();
  private socket: WebSocket | null = null;
  private tries = 0;
  private nextId = 1;
  private heard = 0;
  private subscribed = new Set<string>();
  private planned = false;

  constructor(private readonly path: string) {
    this.connect();
    setInterval(() => this.watch(), 1_000);
    addEventListener("online", () => this.socket ?? this.connect());
  }

  /** Listens to a stream; returns what ends it. */
  on(stream: string, listener: Listener): () => void {
    const known = this.listeners.get(stream);
    const listeners = known ?? new Set();
    listeners.add(listener);
    if (!known) {
      this.listeners.set(stream, listeners);
      this.soon();
    }
    if (this.socket?.readyState === WebSocket.OPEN) listener.reset?.();
    return () => {
      listeners.delete(listener);
      if (listeners.size > 0 || this.listeners.get(stream) !== listeners) return;
      this.listeners.delete(stream);
      this.soon();
    };
  }

  /** Subscribes to what is listened to, and to nothing else: all changes of a moment together, as servers count messages. */
  private soon(): void {
    if (this.planned) return;
    this.planned = true;
    setTimeout(() => {
      this.planned = false;
      if (this.socket?.readyState !== WebSocket.OPEN) return;
      const more = [...this.listeners.keys()].filter((stream) => !this.subscribed.has(stream));
      const less = [...this.subscribed].filter((stream) => !this.listeners.has(stream));
      if (more.length > 0) this.send("SUBSCRIBE", more);
      if (less.length > 0) this.send("UNSUBSCRIBE", less);
      this.subscribed = new Set(this.listeners.keys());
    }, TOGETHER);
  }

  private send(method: string, params: string[]): void {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    this.socket.send(JSON.stringify({ method, ...(params.length > 0 && { params }), id: this.nextId++ }));
  }

  private connect(): void {
    if (this.status.value !== "offline") this.status.value = "connecting";
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}${this.path}`);
    this.socket = socket;
    socket.onopen = () => {
      this.tries = 0;
      this.heard = Date.now();
      this.status.value = "live";
      this.subscribed.clear();
      this.soon();
      for (const listeners of this.listeners.values()) for (const listener of listeners) listener.reset?.();
    };
    socket.onmessage = (event) => {
      this.heard = Date.now();
      this.status.value = "live";
      const { stream, data } = JSON.parse(event.data as string) as { stream?: string; data?: any };
      if (!stream || !data) return;
      if (typeof data.E === "number") this.lag.value = Math.max(0, Date.now() - data.E);
      for (const listener of this.listeners.get(stream) ?? []) listener.message(data);
    };
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.socket = null;
      this.status.value = "offline";
      this.lag.value = null;
      const pause = Math.min(LONGEST_PAUSE, 250 * 2 ** this.tries++) * (0.75 + Math.random() / 2);
      setTimeout(() => this.socket ?? this.connect(), pause);
    };
  }

  private watch(): void {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    const quiet = Date.now() - this.heard;
    if (quiet > DEAD) this.socket.close();
    else if (quiet > SILENT) {
      this.status.value = "silent";
      // Whoever is there answers.
      this.send("LIST_SUBSCRIPTIONS", []);
    }
  }
}
