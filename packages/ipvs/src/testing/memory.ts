/** An IPVS table in memory that behaves like the kernel's: it passes the same contract tests. */
import {IpvsError} from '../error.ts';
import type {
  Destination,
  IpvsClient,
  ObservedService,
  Operation,
  Service,
  ServiceKey,
  Statistics,
  SyncDaemon,
  SyncRole,
  Timeouts,
} from '../model.ts';
import {destinationText, keyText} from '../plan.ts';

/** The kernel's built-in schedulers. */
export const schedulers = [
  'rr', 'wrr', 'lc', 'wlc', 'lblc', 'lblcr', 'dh', 'sh', 'sed', 'nq', 'fo', 'ovf', 'mh', 'twos',
] as const; // prettier-ignore

/** Counters of a service or server that has seen no packet. */
export const noStatistics: Statistics = {
  connections: 0n,
  packetsIn: 0n,
  packetsOut: 0n,
  bytesIn: 0n,
  bytesOut: 0n,
  connectionsPerSecond: 0n,
  packetsInPerSecond: 0n,
  packetsOutPerSecond: 0n,
  bytesInPerSecond: 0n,
  bytesOutPerSecond: 0n,
};

interface Entry {
  service: Service;
  /** The newest first, as the kernel lists them. */
  destinations: Map<string, Destination>;
}

const observed = ({service, destinations}: Entry): ObservedService => ({
  service,
  statistics: noStatistics,
  destinations: [...destinations.values()].map((destination) => ({
    ...destination,
    activeConnections: 0,
    inactiveConnections: 0,
    persistentConnections: 0,
    statistics: noStatistics,
  })),
});

/** Unspecified, multicast, broadcast and (without an interface) link-local addresses cannot be servers. */
const notUnicast = /^(0\.0\.0\.0|2(2[4-9]|3\d)\..*|255\.255\.255\.255|::|ff.*|fe[89ab].*)$/;

function checkDestination(op: string, destination: Destination): void {
  if (notUnicast.test(destination.address)) throw new IpvsError(op, destinationText(destination), 'EINVAL');
  if (destination.lowerThreshold > destination.upperThreshold)
    throw new IpvsError(op, destinationText(destination), 'ERANGE');
}

/** Makes an empty table. `log` receives every executed operation, in order. */
export function makeMemoryIpvs(log?: (operation: Operation) => void): IpvsClient {
  const services = new Map<string, Entry>();
  const daemons = new Map<SyncRole, SyncDaemon>();
  let timeouts: Timeouts = {tcp: 900, tcpFin: 120, udp: 300};

  const entry = (op: string, key: ServiceKey): Entry => {
    const found = services.get(keyText(key));
    if (!found) throw new IpvsError(op, keyText(key), 'ESRCH');
    return found;
  };
  const checkService = (op: string, service: Service): void => {
    if (!(schedulers as readonly string[]).includes(service.scheduler))
      throw new IpvsError(op, keyText(service.key), 'ENOENT');
    // The only persistence engine that Linux has.
    if (![undefined, 'sip'].includes(service.persistenceEngine))
      throw new IpvsError(op, keyText(service.key), 'ENOENT');
    if (service.key.kind === 'fwmark' && service.key.mark === 0)
      throw new IpvsError(op, keyText(service.key), 'EINVAL');
  };

  function carryOut(operation: Operation): void {
    switch (operation.type) {
      case 'new-service': {
        const {service} = operation;
        if (services.has(keyText(service.key)))
          throw new IpvsError(operation.type, keyText(service.key), 'EEXIST');
        checkService(operation.type, service);
        services.set(keyText(service.key), {service, destinations: new Map()});
        return;
      }
      case 'set-service': {
        const found = entry(operation.type, operation.service.key);
        checkService(operation.type, operation.service);
        found.service = operation.service;
        return;
      }
      case 'del-service':
        entry(operation.type, operation.key);
        services.delete(keyText(operation.key));
        return;
      case 'new-dest':
      case 'set-dest':
      case 'del-dest': {
        const found = entry(operation.type, operation.key);
        const {destinations} = found;
        const text = destinationText(operation.destination);
        if (operation.type !== 'del-dest') checkDestination(operation.type, operation.destination);
        const present = destinations.has(text);
        if (operation.type === 'new-dest' && present) throw new IpvsError(operation.type, text, 'EEXIST');
        if (operation.type !== 'new-dest' && !present) throw new IpvsError(operation.type, text, 'ENOENT');
        if (operation.type === 'del-dest') destinations.delete(text);
        else if (present) destinations.set(text, operation.destination);
        else found.destinations = new Map([[text, operation.destination], ...destinations]);
      }
    }
  }

  return {
    version: () => Promise.resolve({version: '1.2.1', tableSize: 4096}),
    list: () => Promise.resolve([...services.values()].map(observed)),
    get: (key) => {
      const found = services.get(keyText(key));
      return Promise.resolve(found && observed(found));
    },
    apply: async (operation) => {
      carryOut(operation);
      log?.(operation);
      return Promise.resolve();
    },
    timeouts: () => Promise.resolve(timeouts),
    setTimeouts: ({tcp, tcpFin, udp}) => {
      timeouts = {tcp: tcp || timeouts.tcp, tcpFin: tcpFin || timeouts.tcpFin, udp: udp || timeouts.udp};
      return Promise.resolve();
    },
    flush: () => {
      services.clear();
      return Promise.resolve();
    },
    zero: async (key) => {
      if (key) entry('zero', key);
      return Promise.resolve();
    },
    syncDaemons: () => Promise.resolve([...daemons.values()]),
    startSyncDaemon: async (daemon) => {
      if (daemons.has(daemon.role)) throw new IpvsError('start sync daemon', daemon.role, 'EEXIST');
      daemons.set(daemon.role, daemon);
      return Promise.resolve();
    },
    stopSyncDaemon: async (role) => {
      if (!daemons.delete(role)) throw new IpvsError('stop sync daemon', role, 'ESRCH');
      return Promise.resolve();
    },
    close: () => services.clear(),
  };
}
