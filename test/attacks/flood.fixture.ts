/** Sends datagrams as fast as it can: DEVICE, ADDRESS, PORT, TTL, octets as hex, milliseconds. Prints the number sent. */
import {openAddresses, openUdp, sendTo, socketAddress} from '@hactl/net';

const [device = '', address = '', port = '0', ttl = '0', hex = '', duration = '0'] = process.argv.slice(2);
const addresses = openAddresses();
const index = addresses.links().find((link) => link.name === device)?.index ?? 0;
addresses.close();
const fd = openUdp({kind: 'bcast', family: 4, device, index, port: 4_694, ttl: Number(ttl)});
const bytes = Buffer.from(hex, 'hex');
const to = socketAddress(address, Number(port));
let sent = 0;
const end = performance.now() + Number(duration);
while (performance.now() < end)
  for (let round = 0; round < 1_000; round += 1) if (sendTo(fd, bytes, bytes.length, to) >= 0) sent += 1;
process.stdout.write(`${sent}\n`);
