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

/** Sends one command of the family and returns the answers without their generic headers. Throws IpvsError. */
type Ask = (cmd: number, flags: number, attributes: readonly Buffer[], target: string) => Buffer[];

/** This kernel's id of the family IPVS. */
function findFamily(socket: ReturnType<typeof openDirect>): number {
  const [answer] = socket.request(
    GENL_ID_CTRL,
    0,
    genl(CTRL_CMD_GETFAMILY, [stringAttribute(CTRL_ATTR_FAMILY_NAME, 'IPVS')]),
    {op: 'find', target: 'IPVS'},
  );
  const family = readAttributes(answer?.subarray(GENL_HEADER) ?? Buffer.alloc(0))
    .get(CTRL_ATTR_FAMILY_ID)
    ?.readUInt16LE(0);
  if (!family) throw new IpvsError('find', 'the IPVS family', 'ENOENT');
  return family;
}

function openFamily(): {readonly ask: Ask; readonly close: () => void} {
  const socket = openDirect(NETLINK_GENERIC);
  try {
    const family = findFamily(socket);
    return {
      ask: (cmd, flags, attributes, target) => {
        try {
          return socket
            .request(family, flags, genl(cmd, attributes), {op: 'ipvs', target})
            .map((message) => message.subarray(GENL_HEADER));
        } catch (error) {
          if (error instanceof NetlinkError) throw new IpvsError(error.op, target, error.code, error);
          throw error;
        }
      },
      close: () => socket.close(),
    };
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
}

function applyOperation(ask: Ask, operation: Operation): void {
  switch (operation.type) {
    case 'new-service':
    case 'set-service': {
      const cmd = operation.type === 'new-service' ? command.NEW_SERVICE : command.SET_SERVICE;
      const target = `${operation.type} ${keyText(operation.service.key)}`;
      ask(cmd, 0, [encodeService(operation.service)], target);
      return;
    }
    case 'del-service':
      ask(command.DEL_SERVICE, 0, [encodeKey(operation.key)], `${operation.type} ${keyText(operation.key)}`);
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

const isDefined = <T>(value: T | undefined): value is T => value !== undefined;

const destinationsOf = (ask: Ask, key: ServiceKey): ObservedDestination[] =>
  ask(command.GET_DEST, netlinkFlag.DUMP, [encodeKey(key)], `destinations of ${keyText(key)}`)
    .map((answer) => decodeDestination(answer, key.family))
    .filter(isDefined);

function listServices(ask: Ask): ObservedService[] {
  const services: ObservedService[] = [];
  for (const message of ask(command.GET_SERVICE, netlinkFlag.DUMP, [], 'services')) {
    const observed = decodeService(message);
    if (observed && !isReserved(observed.service.key))
      services.push({...observed, destinations: destinationsOf(ask, observed.service.key)});
  }
  return services;
}

function findService(ask: Ask, key: ServiceKey): ObservedService | undefined {
  try {
    const [answer] = ask(command.GET_SERVICE, 0, [encodeKey(key)], keyText(key));
    const observed = answer && decodeService(answer);
    return observed && {...observed, destinations: destinationsOf(ask, key)};
  } catch (error) {
    if (error instanceof IpvsError && error.code === 'ESRCH') return undefined;
    throw error;
  }
}

const listDaemons = (ask: Ask): readonly SyncDaemon[] =>
  ask(command.GET_DAEMON, netlinkFlag.DUMP, [], 'sync daemons')
    .map((message) => decodeDaemon(message))
    .filter(isDefined);

function stopDaemon(ask: Ask, role: SyncDaemon['role']): void {
  try {
    ask(command.DEL_DAEMON, 0, [encodeDaemon({role})], `stop sync daemon ${role}`);
  } catch (error) {
    // A daemon stopped before its thread first ran: the kernel stops it but, with EINTR, does not answer.
    const silent = error instanceof IpvsError && ['EAGAIN', 'EWOULDBLOCK'].includes(error.code);
    if (!silent || listDaemons(ask).some((daemon) => daemon.role === role)) throw error;
  }
}

/** Reads 32-bit values of the first answer; 0 for those the kernel does not send. */
function u32Values(ask: Ask, cmd: number, target: string): (type: number) => number {
  const found = readAttributes(ask(cmd, 0, [], target)[0] ?? Buffer.alloc(0));
  return (type) => found.get(type)?.readUInt32LE(0) ?? 0;
}

/** Opens the table of the thread's network namespace. Rejects with IpvsError ENOENT when the kernel has no ip_vs. */
export async function openKernelIpvs(): Promise<IpvsClient> {
  const {ask, close} = openFamily();
  // The calls are synchronous; async turns exceptions into rejections.
  return {
    version: async () => {
      const value = u32Values(ask, command.GET_INFO, 'info');
      const code = value(info.VERSION);
      return Promise.resolve({
        version: `${code >> 16}.${(code >> 8) & 0xff}.${code & 0xff}`,
        tableSize: value(info.CONN_TAB_SIZE),
      });
    },
    list: async () => Promise.resolve(listServices(ask)),
    get: async (key) => Promise.resolve(findService(ask, key)),
    apply: async (operation) => Promise.resolve(applyOperation(ask, operation)),
    timeouts: async () => {
      const value = u32Values(ask, command.GET_CONFIG, 'timeouts');
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
    syncDaemons: async () => Promise.resolve(listDaemons(ask)),
    startSyncDaemon: async (daemon) => {
      const target = `start sync daemon ${daemon.role} on ${daemon.interface}`;
      ask(command.NEW_DAEMON, 0, [encodeDaemon(daemon)], target);
      return Promise.resolve();
    },
    stopSyncDaemon: async (role) => Promise.resolve(stopDaemon(ask, role)),
    close,
  };
}
