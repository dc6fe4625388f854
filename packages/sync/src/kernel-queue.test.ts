import test from 'ava';
import {procAddress, socketQueues} from './kernel-queue.ts';

/** From the micro-VM (kernel 6.1): the backup thread's socket, one of our listeners, the master thread's socket. */
const text = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops            
  940: 510000E0:2290 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 11035 2 000000004d94689d 0         
  940: 510000E0:2290 00000000:0000 07 00000000:00020800 00:00000000 00000000     0        0 10995 2 00000000d1cba979 12        
 1736: 6400000A:A5AC 510000E0:2290 01 00000000:00000000 00:00000000 00000000     0        0 10991 2 00000000d5beb027 0         
`;

test('the kernel’s sockets on the sync port are found, with their queues and drops', (t) => {
  t.is(procAddress('224.0.0.81', 8_848), '510000E0:2290');
  t.deepEqual(socketQueues(text, '510000E0:2290'), [
    {inode: 11_035, queued: 0, drops: 0},
    {inode: 10_995, queued: 133_120, drops: 12},
  ]);
  t.deepEqual(socketQueues(text, procAddress('224.0.0.81', 8_849)), []);
});
