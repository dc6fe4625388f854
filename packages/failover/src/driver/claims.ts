/** Signs our announcements, and distinguishes the peer's from strangers'. */
import {believedKeys} from '../auth.ts';
import {decodeClaim, encodeClaim, makeClaimBook, CLAIM_LENGTH} from '../claim.ts';
import type {Current} from './current.ts';

export function makeClaims(current: Current) {
  const book = makeClaimBook();
  return {
    sign: (address: string, mac: string): Buffer => {
      const {cluster, node, keys, signingKey} = current.config;
      const key = keys.find(({id}) => id === signingKey);
      return key
        ? encodeClaim(book.next(current.state.incarnation), {cluster, node, address, mac}, key)
        : Buffer.alloc(CLAIM_LENGTH);
    },
    judge: (
      address: string,
      mac: string,
      trailer: Uint8Array | undefined,
    ): 'peer' | 'peer-alive' | 'stranger' => {
      if (trailer === undefined) return 'stranger';
      const {cluster, nodes, keys, signingKey} = current.config;
      const {node: localNode} = current.config;
      const bytes = Buffer.from(trailer);
      const believed = believedKeys(keys, signingKey);
      for (const node of nodes) {
        if (node === localNode) continue;
        const claim = decodeClaim(bytes, {cluster, node, address, mac}, believed);
        if (!claim) continue;
        const heard = book.hear(claim);
        return heard === 'proven' ? 'peer-alive' : heard === 'unproven' ? 'peer' : 'stranger';
      }
      return 'stranger';
    },
  };
}
