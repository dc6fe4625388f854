/** Reads the kernel's connection list at a low rate: the kernel traverses its whole table for each page. */
import {readFileSync} from 'node:fs';
import {open} from 'node:fs/promises';
import {setTimeout as pause} from 'node:timers/promises';
import type {Forward} from '@hactl/ipvs';
import {entryOfLine} from './proc-table.ts';

const PAGE = 65_536;
const PAUSE = 5;

/**
 * Calls `line` for each line of /proc/net/ip_vs_conn, until the end or until `stopped`. Pauses after each page so that at most
 * `share` of a processor is used.
 */
export async function readConnections(
  line: (text: string) => void,
  stopped: () => boolean,
  share = 1,
): Promise<void> {
  const file = await open('/proc/net/ip_vs_conn');
  try {
    const page = Buffer.alloc(PAGE);
    let rest = '';
    for (;;) {
      const started = performance.now();
      // oxlint-disable-next-line no-await-in-loop -- page after page, with pauses between.
      const {bytesRead} = await file.read(page, 0, PAGE, null);
      if (bytesRead === 0 || stopped()) return;
      const lines = (rest + page.toString('latin1', 0, bytesRead)).split('\n');
      rest = lines.pop() ?? '';
      for (const text of lines) line(text);
      // oxlint-disable-next-line no-await-in-loop -- see above.
      await pause(Math.max(PAUSE, (performance.now() - started) * (1 / share - 1)));
    }
  } finally {
    await file.close();
  }
}

/** Connections in their handshake, which the kernel does not sync. Reads the whole list at once, so only for small tables. */
export function readHandshakes(forward: ReadonlyMap<string, Forward>): Buffer[] {
  try {
    return readFileSync('/proc/net/ip_vs_conn', 'latin1')
      .split('\n')
      .filter((line) => line.includes(' SYN_RECV '))
      .flatMap((line) => entryOfLine(line, forward)?.entry ?? []);
  } catch {
    // No IPVS: no connections.
    return [];
  }
}
