/** Connection sync needs a resource in haresources; `hactl_sync` alone says only how connections reach the peer. Pure. */
import type {FileEdit} from './api.ts';

const withoutComments = (haresources: string): string => haresources.replaceAll(/#.*$/gm, '');

/** What is missing for the sync of connections on the line of `node`: nothing where some line has the resource. */
export const syncResource = (haresources: string, node: string): FileEdit[] =>
  node === '' || /(?:^|\s)LVSSyncDaemonSwap\b/.test(withoutComments(haresources))
    ? []
    : [{kind: 'resource', node, word: 'LVSSyncDaemonSwap::master'}];

/** Has it a line that the resource can be added to? One alone would be a group without an address. */
export const hasGroup = (haresources: string): boolean => withoutComments(haresources).trim() !== '';
