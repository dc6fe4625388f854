/** The kernel's table over generic netlink. Requests are synchronous and take microseconds; see docs/architecture.md. */
import {
  netlinkFlag,
  NetlinkError,
  openDirect,
  readAttributes,
  stringAttribute,
  u32Attribute,
} from '@hactl/net';
import {
  decodeDaemon,
  decodeDestination,
  decodeService,
  encodeDaemon,
  encodeDestination,
  encodeKey,
  encodeService,
} from './codec.ts';
import {command, info, top} from './constants.ts';
import {IpvsError} from './error.ts';
import type {
  IpvsClient,
  ObservedDestination,
  ObservedService,
  Operation,
  ServiceKey,
  SyncDaemon,
} from './model.ts';
import {destinationText, keyText} from './plan.ts';
import {isReserved} from './reserved.ts';

const NETLINK_GENERIC = 16;
const GENL_ID_CTRL = 16;
const CTRL_CMD_GETFAMILY = 3;
const CTRL_ATTR_FAMILY_ID = 1;
const CTRL_ATTR_FAMILY_NAME = 2;
const VERSION = 1;
const GENL_HEADER = 4;

const genl = (cmd: number, attributes: readonly Buffer[]): Buffer =>
  Buffer.concat([Buffer.from([cmd, VERSION, 0, 0]), ...attributes]);

/** Opens the table of the thread's network namespace. Rejects with IpvsError ENOENT when the kernel has no ip_vs. */
export async function openKernelIpvs(): Promise<IpvsClient> {
  const socket = openDirect(NETLINK_GENERIC);
  let family: number;
  try {
    const [answer] = socket.request(
      GENL_ID_CTRL,
      0,
      genl(CTRL_CMD_GETFAMILY, [stringAttribute(CTRL_ATTR_FAMILY_NAME, 'IPVS')]),
      {op: 'find', target: 'IPVS'},
    );
    family =
      readAttributes(answer?.subarray(GENL_HEADER) ?? Buffer.alloc(0))
        .get(CTRL_ATTR_FAMILY_ID)
        ?.readUInt16LE(0) ?? 0;
    if (family === 0) throw new IpvsError('find', 'the IPVS family', 'ENOENT');
  } catch (error) {
    socket.close();
    const code = error instanceof NetlinkError ? error.code : 'ENOENT';
    throw new IpvsError(
      'open',
      'the kernel’s IPVS (is the module ip_vs loaded? modprobe ip_vs)',
      code,
      error,
    );
  }

  const ask = (cmd: number, flags: number, attributes: readonly Buffer[], target: string): Buffer[] => {
    try {
      return socket
        .request(family, flags, genl(cmd, attributes), {op: 'ipvs', target})
        .map((message) => message.subarray(GENL_HEADER));
    } catch (error) {
      if (error instanceof NetlinkError) throw new IpvsError(error.op, target, error.code, error);
      throw error;
    }
  };

  function carryOut(operation: Operation): void {
    switch (operation.type) {
      case 'new-service':
        ask(
          command.NEW_SERVICE,
          0,
          [encodeService(operation.service)],
          `${operation.type} ${keyText(operation.service.key)}`,
        );
        return;
      case 'set-service':
        ask(
          command.SET_SERVICE,
          0,
          [encodeService(operation.service)],
          `${operation.type} ${keyText(operation.service.key)}`,
        );
        return;
      case 'del-service':
        ask(
          command.DEL_SERVICE,
          0,
          [encodeKey(operation.key)],
          `${operation.type} ${keyText(operation.key)}`,
        );
        return;
      case 'new-dest':
      case 'set-dest':
      case 'del-dest': {
        const cmd = {
          'new-dest': command.NEW_DEST,
          'set-dest': command.SET_DEST,
          'del-dest': command.DEL_DEST,
        }[operation.type];
        const {destination} = operation;
        ask(
          cmd,
          0,
          [encodeKey(operation.key), encodeDestination(destination, operation.type !== 'del-dest')],
          `${operation.type} ${destinationText(destination)} of ${keyText(operation.key)}`,
        );
      }
    }
  }

  const destinationsOf = (key: ServiceKey): ObservedDestination[] =>
    ask(command.GET_DEST, netlinkFlag.DUMP, [encodeKey(key)], `destinations of ${keyText(key)}`)
      .map((answer) => decodeDestination(answer, key.family))
      .filter((found): found is ObservedDestination => found !== undefined);

  const daemons = (): readonly SyncDaemon[] =>
    ask(command.GET_DAEMON, netlinkFlag.DUMP, [], 'sync daemons')
      .map((message) => decodeDaemon(message))
      .filter((one): one is SyncDaemon => one !== undefined);

  // The calls are synchronous; async turns what they throw into rejections.
  return {
    version: async () => {
      const found = readAttributes(ask(command.GET_INFO, 0, [], 'info')[0] ?? Buffer.alloc(0));
      const code = found.get(info.VERSION)?.readUInt32LE(0) ?? 0;
      return Promise.resolve({
        version: `${code >> 16}.${(code >> 8) & 0xff}.${code & 0xff}`,
        tableSize: found.get(info.CONN_TAB_SIZE)?.readUInt32LE(0) ?? 0,
      });
    },
    list: async () => {
      const services: ObservedService[] = [];
      for (const message of ask(command.GET_SERVICE, netlinkFlag.DUMP, [], 'services')) {
        const one = decodeService(message);
        if (one && !isReserved(one.service.key))
          services.push({...one, destinations: destinationsOf(one.service.key)});
      }
      return Promise.resolve(services);
    },
    get: async (key) => {
      try {
        const [answer] = ask(command.GET_SERVICE, 0, [encodeKey(key)], keyText(key));
        const one = answer && decodeService(answer);
        return await Promise.resolve(one && {...one, destinations: destinationsOf(key)});
      } catch (error) {
        if (error instanceof IpvsError && error.code === 'ESRCH') return undefined;
        throw error;
      }
    },
    apply: async (operation) => {
      carryOut(operation);
      return Promise.resolve();
    },
    timeouts: async () => {
      const found = readAttributes(ask(command.GET_CONFIG, 0, [], 'timeouts')[0] ?? Buffer.alloc(0));
      const value = (type: number): number => found.get(type)?.readUInt32LE(0) ?? 0;
      return Promise.resolve({
        tcp: value(top.TIMEOUT_TCP),
        tcpFin: value(top.TIMEOUT_TCP_FIN),
        udp: value(top.TIMEOUT_UDP),
      });
    },
    setTimeouts: async ({tcp, tcpFin, udp}) => {
      ask(
        command.SET_CONFIG,
        0,
        [
          u32Attribute(top.TIMEOUT_TCP, tcp),
          u32Attribute(top.TIMEOUT_TCP_FIN, tcpFin),
          u32Attribute(top.TIMEOUT_UDP, udp),
        ],
        'timeouts',
      );
      return Promise.resolve();
    },
    flush: async () => {
      ask(command.FLUSH, 0, [], 'flush');
      return Promise.resolve();
    },
    zero: async (key) => {
      ask(command.ZERO, 0, key ? [encodeKey(key)] : [], 'zero');
      return Promise.resolve();
    },
    syncDaemons: async () => Promise.resolve(daemons()),
    startSyncDaemon: async (one) => {
      ask(command.NEW_DAEMON, 0, [encodeDaemon(one)], `start sync daemon ${one.role} on ${one.interface}`);
      return Promise.resolve();
    },
    stopSyncDaemon: async (role) => {
      try {
        ask(command.DEL_DAEMON, 0, [encodeDaemon({role})], `stop sync daemon ${role}`);
      } catch (error) {
        // A daemon stopped before its thread first ran: the kernel stops it and, seeing EINTR, answers nothing.
        const silent = error instanceof IpvsError && ['EAGAIN', 'EWOULDBLOCK'].includes(error.code);
        if (!silent || daemons().some((daemon) => daemon.role === role)) throw error;
      }
      return Promise.resolve();
    },
    close: () => socket.close(),
  };
}
