/**
 * The finest measurement of an outage: a UDP echo on the VIP, probed a thousand times a second or more. `udp.ts echo` answers on
 * every address of a director; `udp.ts probe VIP [KHZ]` sends probes and prints one JSON line for each `mark` on stdin.
 */
import dgram from 'node:dgram';
import {createInterface} from 'node:readline';

const PORT = 7_007;

/** Output of a mark: probes since the last mark, how many were lost, and the longest gap without an answer. */
export interface ProbeReport {
  mark: string;
  sent: number;
  lost: number;
  outage: number;
}

const [mode, vip = '', pace = '1'] = process.argv.slice(2);
/** Milliseconds between probes. */
const EVERY = 1 / Number(pace);
const socket = dgram.createSocket('udp4');

if (mode === 'echo') {
  socket.on('message', (bytes, from) => socket.send(bytes, from.port, from.address, () => undefined));
  socket.bind(PORT, () => process.stdout.write('ready\n'));
} else {
  const answered = new Set<number>();
  let [sequence, since] = [0, 0];
  const sentAt: number[] = [];
  socket.on('message', (bytes) => answered.add(bytes.readUInt32BE(0)));
  socket.on('error', () => undefined);
  socket.bind(0);
  const packet = Buffer.alloc(4);
  const ask = (): void => {
    sequence += 1;
    sentAt[sequence] = performance.now();
    packet.writeUInt32BE(sequence);
    socket.send(Buffer.from(packet), PORT, vip, () => undefined);
  };
  const started = performance.now();
  setInterval(() => {
    // Catch up after a late timer: the figures depend on a constant rate.
    const due = Math.min(Math.floor((performance.now() - started) / EVERY), sequence + 400);
    while (sequence < due) ask();
  }, 1);
  createInterface({input: process.stdin})
    .on('line', (line) => {
      const [word, mark = ''] = line.split(' ');
      if (word !== 'mark') return;
      // The last few may still be in flight.
      const end = sequence - 20;
      let [lost, outage, from] = [0, 0, undefined as number | undefined];
      for (let one = since + 1; one <= end; one += 1) {
        if (answered.has(one)) {
          if (from !== undefined) outage = Math.max(outage, (sentAt[one] ?? 0) - (sentAt[from] ?? 0));
          from = undefined;
        } else {
          lost += 1;
          from ??= one;
        }
        answered.delete(one);
      }
      if (from !== undefined) outage = Math.max(outage, (sentAt[end] ?? 0) - (sentAt[from] ?? 0));
      const report: ProbeReport = {mark, sent: end - since, lost, outage: Math.round(outage * 10) / 10};
      since = end;
      process.stdout.write(JSON.stringify(report) + '\n');
    })
    .on('close', () => process.exit(0));
  process.stdout.write('ready\n');
}
