/** The kernel's part of held packets: opened when something is held for the first time. */
import {openPacketHold, type HeldPackets, type PacketHold} from '@hactl/net';
import type {Log} from '../system/log.ts';

export interface PacketHoldDriver {
  hold(held: HeldPackets): void;
  close(): void;
}

/** A kernel that cannot hold packets is reported once; the director serves without. */
export function drivePacketHold(log: Log): PacketHoldDriver {
  let open: PacketHold | undefined;
  let ended = false;
  return {
    hold: (held) => {
      if (ended) return;
      try {
        open ??= openPacketHold();
        open.hold(held);
      } catch (error) {
        ended = true;
        open?.close();
        log(
          'warn',
          `segments of connections that are not here yet are answered with RST after a takeover: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    },
    close: () => {
      ended = true;
      open?.close();
    },
  };
}
