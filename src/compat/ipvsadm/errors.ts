/** ipvsadm's messages for the kernel's errors. Pure. */
import type {Command} from './plan.ts';

/** The C library's messages for IPVS's errors, and ipvsadm's own where it has one for every command. */
const sentences: Readonly<Record<string, string>> = {
  EPERM: 'Permission denied (you must be root)',
  EACCES: 'Permission denied',
  EINVAL: 'Invalid operation.  Possibly wrong module version, address not unicast, ...',
  ENOPROTOOPT: 'Protocol not available',
  ENOMEM: 'Memory allocation problem',
  ENODEV: 'No such device',
  ERANGE: 'Numerical result out of range',
  ENOENT: 'No such file or directory',
  ESRCH: 'No such process',
  EEXIST: 'File exists',
  EOPNOTSUPP: 'Operation not supported',
  EAFNOSUPPORT: 'Address family not supported by protocol',
  EADDRNOTAVAIL: 'Cannot assign requested address',
  EBUSY: 'Device or resource busy',
  ENETDOWN: 'Network is down',
  ENETUNREACH: 'Network is unreachable',
};

export const systemSentence = (code: string): string => sentences[code] ?? code;

type Own = Readonly<Record<string, string>>;

const noService: Own = {ESRCH: 'No such service'};
const noScheduler: Own = {ENOENT: 'Scheduler or persistence engine not found'};
const noServer: Own = {ESRCH: 'Service not defined', ENOENT: 'No such destination'};

const byCommand: Readonly<Partial<Record<Command['type'], Own>>> = {
  'add-service': {EEXIST: 'Service already exists', ...noScheduler},
  'edit-service': {...noService, ...noScheduler},
  'delete-service': noService,
  zero: noService,
  'add-server': {...noServer, EEXIST: 'Destination already exists'},
  'edit-server': noServer,
  'delete-server': noServer,
  'start-daemon': {EEXIST: 'Daemon has already run'},
  'stop-daemon': {ESRCH: 'No daemon is running'},
};

/** The message for a command that the kernel refused with `code`. */
export const kernelSentence = (command: Command['type'], code: string): string =>
  byCommand[command]?.[code] ?? systemSentence(code);
