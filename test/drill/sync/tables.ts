/** Compares two kernels' connection tables from `ipvsadm -Lnc`. Pure. */

export interface TableLine {
  /** Protocol, client, virtual and destination. */
  readonly key: string;
  readonly state: string;
}

/** Source network of hactl's pulse. */
const PULSE = '127.88.48.';

/** States allowed in one table only: closing connections, whose end is not synchronised. */
const ending = new Set(['FIN_WAIT', 'TIME_WAIT', 'CLOSE', 'CLOSE_WAIT', 'LAST_ACK', 'SYN_RECV', 'SYNACK']);

export function parseTable(text: string): TableLine[] {
  return (
    text
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([protocol, , , , , destination]) => /^(TCP|UDP|SCTP|IP)$/.test(protocol ?? '') && destination)
      // The pulse, which flushes young connections out of the sync buffer, is no client's connection.
      .filter((words) => !words[4]?.startsWith(PULSE))
      .map(([protocol, , state = '', client, virtual, destination]) => ({
        key: `${protocol} ${client} ${virtual} ${destination}`,
        state,
      }))
  );
}

export interface TableDifference {
  /** Live connections in both. */
  readonly same: number;
  readonly onlyFirst: readonly string[];
  readonly onlySecond: readonly string[];
  /** Closing connections in only one of them. */
  readonly ending: number;
}

export function compareTables(first: readonly TableLine[], second: readonly TableLine[]): TableDifference {
  const [one, other] = [new Map(first.map(pair)), new Map(second.map(pair))];
  const alone = [first.filter(({key}) => !other.has(key)), second.filter(({key}) => !one.has(key))] as const;
  const living = (lines: readonly TableLine[]): string[] =>
    lines.filter(({state}) => !ending.has(state)).map(({key}) => key);
  const [onlyFirst, onlySecond] = [living(alone[0]), living(alone[1])];
  return {
    same: first.filter(({key, state}) => !ending.has(state) && other.has(key)).length,
    onlyFirst,
    onlySecond,
    ending: alone[0].length + alone[1].length - onlyFirst.length - onlySecond.length,
  };
}

const pair = ({key, state}: TableLine): [string, string] => [key, state];
