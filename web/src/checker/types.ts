// What crates/browser answers. Numbers that may be large are decimal strings, bytes hexadecimal digits.

export interface ClaimWord {
  name: string;
  value: string;
  meaning: string;
}

export interface Claim {
  encoded: string;
  digest: string;
  chainId: string;
  exchange: string;
  batch: string;
  firstSequence: string;
  lastSequence: string;
  previousRoot: string;
  stateRoot: string;
  commandsRoot: string;
  eventsRoot: string;
  l1Position: string;
  l1Hash: string;
  withdrawalsRoot: string;
  timestamp: string;
  words: ClaimWord[];
}

export interface Outcome {
  kind: "done" | "accepted" | "rejected";
  order?: string;
  code?: number;
  reason?: string;
}

export type ExchangeEvent = { kind: string } & Record<string, any>;

export interface Row {
  sequence: string;
  timestamp: string;
  account: number;
  origin: "session" | "owner" | "l1";
  command: { kind: string } & Record<string, any>;
  outcome: Outcome;
  events: ExchangeEvent[];
}

export interface Sizes {
  file: number;
  commands: number;
  witness: number;
  streams: number;
  owners: number;
}

export interface Verified {
  claim: Claim;
  follows: string | null;
  sizes: Sizes;
  commands: number;
  kinds: Record<string, number>;
  outcomes: { accepted: number; done: number; rejected: number };
  rejects: Record<string, number>;
  accounts: number;
  fills: number;
  markets: { market: number; fills: number; lots: string; ticks: string }[];
  l1: { from: string; to: string; hash: string };
  withdrawals: number;
  rows: Row[];
  moreRows: number;
}

export interface Receipt {
  sequence: string | number;
  batch: string | number;
  count?: string;
  claim: string;
  content: string;
  path: { index: string | number; siblings: string[] };
}

export interface CheckedReceipt {
  outcome: Outcome;
  events: ExchangeEvent[];
  way: { digest: string; sibling?: string; siblingSide?: "left" | "right" }[];
  eventsRoot: string;
  batch: string;
  count: string;
}

export interface CheckedProof {
  system: string;
  version: string;
  program: string;
  kind: string;
  statement: string;
  isProof: boolean;
  bytes: number;
  claims: Claim[];
  result: "holds" | "not a proof" | "not checked here" | "does not hold";
  why: string | null;
}

export interface OpenedBlock {
  data: number;
  parity: number;
  total: number;
  shardLength: number;
  payloadLength: string;
  root: string;
  commitment: string;
}

export interface CheckedSample {
  index: number;
  wrong: string | null;
  bytes: number;
}
