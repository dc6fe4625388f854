/** What one supervisor may ask the other. Everything else is refused, whoever asks. */
import type {EventQuery} from '../control/events.ts';

/** The only commands that are carried out for the peer. */
export type PeerCommand = {readonly command: 'status'} | ({readonly command: 'events'} & EventQuery);

export const peerCommands: ReadonlySet<string> = new Set<PeerCommand['command']>(['status', 'events']);

/** The largest frame, in octets: a status, or all configuration files. */
export const MAX_MESSAGE = 8 << 20;
/** Of a greeting: all that somebody unknown may send. */
export const MAX_GREETING = 256;
