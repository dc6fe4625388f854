/** The files of the pair as sent to the second director, and their validation there. Pure. */
import {fail, ok, type Result} from '@hactl/base';
import type {NewFile} from './pair-files.ts';
import {isInNetwork, type LocalAddress} from './choices.ts';

/** A network interface of the first director, for the choice of the second one's. */
export interface Network {
  readonly device: string;
  readonly address: string;
  readonly prefixLength: number;
}

export interface Bundle {
  readonly node: string;
  readonly files: readonly NewFile[];
  readonly networks: readonly Network[];
}

const MOST_FILES = 64;
const MOST_TEXT = 4 << 20;
/** The required files of a configuration. */
const needed = ['ha.cf', 'haresources', 'authkeys'];

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Validates what the first director sent, as untrusted input. `isSharedName`: a name that it may write. Programs are refused,
 * and modes are set here.
 */
export function readBundle(
  value: unknown,
  isSharedName: (name: string) => boolean,
): Result<Bundle, readonly string[]> {
  if (!isRecord(value) || !Array.isArray(value.files) || !Array.isArray(value.networks))
    return fail(['its answer is not a set of files']);
  const problems: string[] = [];
  const files: NewFile[] = [];
  if (value.files.length > MOST_FILES)
    return fail([`it sent ${value.files.length} files: at most ${MOST_FILES} are taken`]);
  for (const item of value.files as readonly unknown[]) {
    const {name, text} = isRecord(item) ? item : {};
    if (typeof name !== 'string' || typeof text !== 'string')
      problems.push('one of its files has no name or no text');
    else if (!isSharedName(name))
      problems.push(`${JSON.stringify(name.slice(0, 80))} is no name of a configuration file`);
    else if (files.some((file) => file.name === name)) problems.push(`it sent ${name} twice`);
    else files.push({name, text, mode: name === 'authkeys' ? 0o600 : 0o644});
  }
  if (files.reduce((sum, {text}) => sum + text.length, 0) > MOST_TEXT)
    problems.push('its files are too large');
  for (const name of needed)
    if (!files.some((file) => file.name === name)) problems.push(`it sent no ${name}`);
  const networks = (value.networks as readonly unknown[])
    .slice(0, MOST_FILES)
    .flatMap((network): Network[] => {
      const {device, address, prefixLength} = isRecord(network) ? network : {};
      return typeof device === 'string' &&
        /^[\w.:@-]{1,15}$/.test(device) &&
        typeof address === 'string' &&
        typeof prefixLength === 'number' &&
        Number.isInteger(prefixLength) &&
        prefixLength >= 0 &&
        prefixLength <= 128
        ? [{device, address, prefixLength}]
        : [];
    });
  if (problems.length > 0) return fail(problems);
  return ok({node: typeof value.node === 'string' ? value.node : '', files, networks});
}

/** Maps the first director's interfaces to the second one's in the same network. */
export function deviceNames(
  networks: readonly Network[],
  machine: readonly LocalAddress[],
): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const {device, address, prefixLength} of networks) {
    const localAddresses = machine.filter((local) => isInNetwork(local.address, {address, prefixLength}));
    const same = localAddresses.find((local) => local.device === device) ?? localAddresses[0];
    if (same && !names.has(device)) names.set(device, same.device);
  }
  return names;
}

/** Interfaces in the lines of ha.cf and the words of haresources, by their names here. Other files name none. */
export function renameDevices(file: NewFile, names: ReadonlyMap<string, string>): NewFile {
  const localDevice = (device: string): string => names.get(device) ?? device;
  if (file.name === 'ha.cf')
    return {
      ...file,
      text: file.text
        .replace(
          /^([ \t]*(?:mcast|ucast|mcast6)[ \t]+)([\w.:@-]+)/gm,
          (_, head: string, device: string) => head + localDevice(device),
        )
        .replace(
          /^([ \t]*(?:bcast|hactl_track_interface)[ \t]+)([^#\r\n]*)/gm,
          (_, head: string, list: string) => head + list.replace(/[\w.:@-]+/g, localDevice),
        ),
    };
  if (file.name === 'haresources')
    return {
      ...file,
      text: file.text
        .replace(/(\/\d{1,3}\/)([\w.@-]+)/g, (_, head: string, device: string) => head + localDevice(device))
        .replace(
          /(LVSSyncDaemonSwap::\w+::)([\w.@-]+)/g,
          (_, head: string, device: string) => head + localDevice(device),
        ),
    };
  return file;
}
