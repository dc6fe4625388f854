/** Who this sync process is to its peer. */
import {createHmac, randomBytes} from 'node:crypto';
import {channelKeys, senderNumber, type Sender} from '@hactl/base';
import type {SyncLink} from './messages.ts';

/** A sender with a life of its own, and the seed of the mirror's buckets, which nobody without the key can foretell. */
export function identity(settings: SyncLink): {readonly sender: Sender; readonly seed: number} {
  const keys = channelKeys('sync', settings.secret, settings.cluster, settings.encrypt);
  return {
    sender: {
      keys,
      sender: senderNumber(settings.cluster, settings.node),
      // The clock alone could stand still or go back; the lower bits are random.
      incarnation: (BigInt(Date.now()) << 20n) | BigInt(randomBytes(4).readUInt32BE(0) & 0xfffff),
      sequence: 0n,
    },
    seed: createHmac('sha256', keys.authentication).update('mirror').digest().readUInt32BE(0),
  };
}
