/**
 * The channel's keys during a key change: frames are sent with one key, and those of every listed key are accepted, as in the
 * heartbeat. So a new key is listed on both directors, then used on both, then the old one is dropped, and the session
 * continues throughout. Pure.
 */
import {channelKeys, open, type ChannelFault, type ChannelKeys, type Opened} from '@hactl/channel';
import {fail, type Result} from '@hactl/base';
import type {SyncLink} from './messages.ts';

export interface Keyring {
  readonly signing: ChannelKeys;
  /** The one that fitted last comes first: most frames need one try. */
  readonly accepted: ChannelKeys[];
}

type Secrets = Pick<SyncLink, 'secret' | 'accepted' | 'cluster'>;

export function makeKeyring({secret, accepted = [], cluster}: Secrets): Keyring {
  const signing = channelKeys('sync', secret, cluster);
  // A `crc` key is not a secret: next to a real one it would let anybody in.
  const others = accepted.filter((text) => text !== secret && text !== '');
  return {signing, accepted: [signing, ...others.map((text) => channelKeys('sync', text, cluster))]};
}

export function openAny({accepted}: Keyring, localId: number, frame: Buffer): Result<Opened, ChannelFault> {
  for (const [index, keys] of accepted.entries()) {
    const opened = open(keys, localId, frame);
    if (!opened.ok && opened.fault === 'forged') continue;
    if (opened.ok && index > 0) accepted.unshift(...accepted.splice(index, 1));
    return opened;
  }
  return fail('forged');
}
