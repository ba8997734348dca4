// What happens to an account, as it happens: the native stream's channel of executions, which names the command of each fill.

import { Signal } from "../signal";

export interface ExecutionOrder {
  order: number;
  market: number;
  side: "buy" | "sell";
  kind: string;
  trigger: string | null;
  triggerPrice: number | null;
  /** Ticks; zero for a market order. */
  price: number;
  /** Lots. */
  quantity: string;
  executed: string;
  status: string;
  /** Microseconds since 1970. */
  time: number;
}

export interface OwnTrade {
  trade: number;
  maker: boolean;
  price: number;
  quantity: string;
  /** Quote quanta; negative is a rebate. */
  fee: string;
}

/** What a command did to the account. */
export interface Execution {
  sequence: number;
  time: number;
  data: {
    orders?: { execution: string; order: ExecutionOrder; trade?: OwnTrade }[];
    balances?: { asset: number; free: string; locked: string }[];
    rejected?: { code: number; reason: string };
  };
}

/** Follows an account; connects again by itself. */
export class Executions {
  readonly live = new Signal(false);
  private socket: WebSocket | null = null;
  private ended = false;
  private tries = 0;

  constructor(
    /** Who says so: an API key's signature or the session key's. */
    private readonly authenticate: () => Promise<object>,
    private readonly told: (execution: Execution) => void,
    /** Whatever was known may be old. */
    private readonly reset: () => void,
  ) {
    this.connect();
  }

  end(): void {
    this.ended = true;
    this.socket?.close();
  }

  private connect(): void {
    if (this.ended) return;
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/api/glassbook/v1/stream`);
    this.socket = socket;
    const send = (id: number, method: string, params: object): void => socket.send(JSON.stringify({ id, method, params }));
    socket.onopen = async () => send(1, "authenticate", await this.authenticate());
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data as string) as { id?: number; error?: object; result?: { account?: number }; channel?: string } & Execution;
      if (message.id === 1) {
        if (message.error || message.result?.account === undefined) return socket.close();
        this.tries = 0;
        send(2, "subscribe", { channel: "executions", account: message.result.account });
      } else if (message.id === 2) {
        this.live.value = !message.error;
        this.reset();
      } else if (message.channel === "executions") {
        // Of a gap there is nothing but the news that there is one.
        if (message.data) this.told(message);
        else this.reset();
      }
    };
    socket.onclose = () => {
      this.live.value = false;
      if (!this.ended) setTimeout(() => this.connect(), Math.min(15_000, 500 * 2 ** this.tries++));
    };
  }
}
