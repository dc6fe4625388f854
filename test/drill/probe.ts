/** Gets a running `udp.ts probe`'s measurements since the previous call. */
import type {Program} from '../lab/site.ts';
import type {ProbeReport} from './udp.ts';
import {until} from '../lab/until.ts';

const LIMIT = 10_000;

export function markerOf(probe: Program): () => Promise<ProbeReport> {
  let marks = 0;
  return async () => {
    marks += 1;
    const name = String(marks);
    probe.write(`mark ${name}`);
    const line = await until('the probe reports', LIMIT, () =>
      probe.lines.findLast((one) => one.includes(`"mark":"${name}"`)),
    );
    return JSON.parse(line) as ProbeReport;
  };
}
