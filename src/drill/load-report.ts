/** The part of a drill's report about the load beneath it. */

/** The requests due in a stretch of time. Times in milliseconds; null: none was answered. */
export interface LoadFigures {
  readonly due: number;
  readonly connected: number;
  readonly answered: number;
  readonly failed: number;
  /** Mean time until a connection was established; `mean` and the others: until the answer. */
  readonly connect: number | null;
  readonly mean: number | null;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
  readonly most: number | null;
  /** Answers by real server. */
  readonly servers: Readonly<Record<string, number>>;
}

/** A stretch of the drill: the whole load, or an event; `from` and `to` count from the start of the drill. */
export interface LoadSpan extends LoadFigures {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** Percent of one core, the mean and the highest second, by director. */
  readonly cpu: Readonly<Record<string, {readonly mean: number; readonly most: number}>>;
}

/** One second. `due`, `p50`, `p99`: the requests due in it; the others: what happened in it. */
export interface LoadSecond {
  /** From the start of the drill. */
  readonly at: number;
  readonly due: number;
  readonly connected: number;
  readonly answered: number;
  readonly failed: number;
  readonly p50: number | null;
  readonly p99: number | null;
}

export interface CpuSample {
  readonly at: number;
  readonly director: string;
  /** Of one core. */
  readonly percent: number;
}

export interface LoadReport {
  /** Connections per second after the ramp, and the length of the ramp in seconds. */
  readonly rate: number;
  readonly ramp: number;
  /** The longest time that the client was behind its schedule. */
  readonly late: number;
  readonly seconds: readonly LoadSecond[];
  /** First the whole load, then the events. */
  readonly spans: readonly LoadSpan[];
  readonly errors: Readonly<Record<string, number>>;
  readonly cpu: {
    /** Of the director's processes, or of its whole machine. */
    readonly of: 'processes' | 'machine';
    readonly samples: readonly CpuSample[];
  };
  /** The same load by Tsung at the same time, if asked for. */
  readonly tsung?: TsungReport;
}

/** What tsung.log counts of one kind of sample; times in milliseconds. */
export interface TsungSample {
  readonly count: number;
  readonly mean: number;
  readonly most: number;
}

/** The totals of a tsung.log. */
export interface TsungLog {
  /** `connect`, `request`, `page`, `session`. */
  readonly samples: Readonly<Record<string, TsungSample>>;
  /** Users, HTTP status codes, bytes, errors. */
  readonly counts: Readonly<Record<string, number>>;
}

export interface TsungReport {
  readonly log: TsungLog;
  /** From tsung.dump, which has every answered request; tsung.log has no percentiles. */
  readonly figures: LoadFigures;
  readonly seconds: readonly LoadSecond[];
  /** The tables of tsung_stats.pl's report.html; the first row of each is its head. */
  readonly tables: readonly {readonly title: string; readonly rows: readonly (readonly string[])[]}[];
}
