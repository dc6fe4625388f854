/** Made-up connections for tests and the bench. */
import {encodeSyncMessage, type SyncConnection} from './message.ts';

/** The `number`th connection: 10.x.y.z (or fd00::) to the VIP's port 80, one of three real servers. */
export function connectionOf(number: number, more: Partial<SyncConnection> = {}): SyncConnection {
  const family = more.family ?? 4;
  const width = family === 6 ? 16 : 4;
  const address = (last: number): Buffer => {
    const bytes = Buffer.alloc(width);
    bytes[0] = family === 6 ? 0xfd : 10;
    bytes.writeUInt32BE((family === 6 ? 0 : 0x0a000000) + last, width - 4);
    return bytes;
  };
  return {
    family,
    protocol: 6,
    flags: 0x0103,
    state: 1,
    clientPort: 1_024 + (number % 50_000),
    virtualPort: 80,
    destinationPort: 80,
    fwmark: 0,
    timeout: 900,
    client: address(0x10000 + Math.floor(number / 50_000)),
    virtual: address(100),
    destination: address(11 + (number % 3)),
    ...more,
  };
}

/** A message of one connection; its entry begins at octet 8. */
export const entryOf = (connection: SyncConnection): Buffer => encodeSyncMessage(0, [connection]);
