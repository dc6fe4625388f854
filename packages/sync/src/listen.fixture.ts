/** Joins the kernel's sync group on `lo` and passes every datagram to its parent, in hexadecimal. */
import dgram from 'node:dgram';

if (process.argv[2] === 'compile') process.exit(0);
const socket = dgram.createSocket({type: 'udp4', reuseAddr: true});
socket.on('message', (bytes) => process.send?.(bytes.toString('hex')));
socket.bind(8_848, '224.0.0.81', () => {
  socket.addMembership('224.0.0.81', '127.0.0.1');
  process.send?.('listening');
});
process.on('disconnect', () => process.exit(0));
