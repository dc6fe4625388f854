import {execFile} from 'node:child_process';
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {promisify} from 'node:util';
import {ask} from '../../control/client.ts';
import type {StatusSnapshot} from '../../control/protocol.ts';
import {VERSION} from '../../system/paths.ts';
import {loadFiles} from './config-files.ts';
import {CliError, exit} from '../exit.ts';
import {REDACTED, redactFile, scrub} from '../redact.ts';
import {renderStatus} from '../render/render-status.ts';
import {jsonText} from '../render/shown.ts';
import {BUNDLE_LIMIT_MS} from '../../system/limits.ts';

const LOG_MAX = 2 * 1024 * 1024;
const OUTPUT_MAX = 16 * 1024 * 1024;
const SYSCTLS = '/proc/sys/net/ipv4/vs';
const run = promisify(execFile);

/** A name in the bundle, and its text. */
type Entry = readonly [name: string, text: string];

/** If something is unavailable, the reason is stored instead: that helps too. */
async function entry(name: string, make: () => string | Promise<string>): Promise<Entry> {
  try {
    return [name, await make()];
  } catch (error) {
    return [name, `not available: ${error instanceof Error ? error.message : String(error)}\n`];
  }
}

const commandOutput = (name: string, file: string, ...words: string[]): Promise<Entry> =>
  entry(name, async () => {
    const {stdout} = await run(file, words, {timeout: BUNDLE_LIMIT_MS, maxBuffer: OUTPUT_MAX});
    return stdout;
  });

/** The end of a file. */
function tail(file: string): string {
  const fd = openSync(file, 'r');
  try {
    const {size} = fstatSync(fd);
    const buffer = Buffer.alloc(Math.min(size, LOG_MAX));
    const read = readSync(fd, buffer, 0, buffer.length, size - buffer.length);
    const text = buffer.toString('utf8', 0, read);
    // Drop the partial first line: half of a secret would not be recognised.
    return size > LOG_MAX ? text.slice(text.indexOf('\n') + 1) : text;
  } finally {
    closeSync(fd);
  }
}

/** Only the files that the configuration is read from: the directory may contain keys and scripts. */
async function configFiles(configDir: string, status: StatusSnapshot | undefined): Promise<string[]> {
  const {sources} = await loadFiles(configDir, os.hostname().toLowerCase(), {
    ask: () => Promise.resolve(undefined),
  });
  const standard = ['ha.cf', 'haresources', 'authkeys', 'ldirectord.cf'].map((name) =>
    path.join(configDir, name),
  );
  return [...new Set([...standard.filter(existsSync), ...sources.keys(), ...(status?.ldirectord ?? [])])];
}

/** Skips a program or a private key with the name of a configuration file. */
function configText(file: string): string {
  const text = readFileSync(file, 'utf8');
  if (text.startsWith('#!')) return 'a program: not packed\n';
  if (text.includes('\0')) return 'not a text: not packed\n';
  return text.replaceAll(/-----BEGIN [\s\S]*?(?:-----END [^\n]*|$)/g, `${REDACTED} (PEM)`);
}

/** Log files that the configuration names. */
const logFiles = (configs: readonly string[]): string[] => [
  ...new Set(
    configs.flatMap((text) =>
      [...text.matchAll(/^\s*(?:logfile|debugfile)(?:\s*=\s*|\s+)"?(\/[^\s"]+)/gim)].map(
        (match) => match[1] ?? '',
      ),
    ),
  ),
];

export interface BundleOptions {
  readonly out?: string;
  readonly configDir: string;
  readonly stateDir: string;
  readonly json?: boolean;
}

const flat = (file: string): string => file.replace(/^\//, '').replaceAll('/', '__');

async function collect(socket: string, options: BundleOptions): Promise<Entry[]> {
  let status: StatusSnapshot | undefined;
  const statusEntry = await entry('status.json', async () => {
    status = await ask(socket, {command: 'status'}, BUNDLE_LIMIT_MS);
    return jsonText(status, 2);
  });
  const files = await configFiles(status?.configDir ?? options.configDir, status);
  const texts = await Promise.all(files.map((file) => entry(`config/${flat(file)}`, () => configText(file))));
  const redacted = texts.map(
    ([name, text]) => [name, redactFile(text, name.endsWith('authkeys') ? 'authkeys' : 'file')] as const,
  );
  const secrets = new Set(redacted.flatMap(([, result]) => result.secrets));
  const rest = await Promise.all([
    entry('status.txt', () => (status ? renderStatus(status, 200) : 'no daemon answered\n')),
    entry('versions.txt', () =>
      [`hactl ${VERSION}`, `node ${process.version}`, `${os.type()} ${os.release()} ${os.arch()}`, '']
        .concat(readFileSync('/etc/os-release', 'utf8'))
        .join('\n'),
    ),
    ...logFiles(texts.map(([, text]) => text)).map((file) => entry(`logs/${flat(file)}`, () => tail(file))),
    commandOutput('logs/journal', 'journalctl', '-u', 'hactld', '--no-pager', '-n', '20000'),
    entry('orders.json', () => readFileSync(path.join(options.stateDir, 'orders.json'), 'utf8')),
    entry('kernel/ip_vs', () => readFileSync('/proc/net/ip_vs', 'utf8')),
    entry('kernel/ip_vs_stats', () => readFileSync('/proc/net/ip_vs_stats', 'utf8')),
    // Only the number of connections: the clients' addresses are private.
    entry(
      'kernel/ip_vs_conn.count',
      () => `${readFileSync('/proc/net/ip_vs_conn', 'utf8').split('\n').length - 2}\n`,
    ),
    entry('kernel/sysctl', () =>
      readdirSync(SYSCTLS)
        .map((name) => `${name} ${readFileSync(path.join(SYSCTLS, name), 'utf8')}`)
        .join(''),
    ),
    commandOutput('kernel/address', 'ip', '-d', 'address'),
    commandOutput('kernel/route', 'ip', 'route', 'show', 'table', 'all'),
    commandOutput('kernel/neighbour', 'ip', 'neighbour'),
  ]);
  const all = [...redacted.map(([name, {text}]): Entry => [name, text]), statusEntry, ...rest];
  return all.map(([name, text]) => [
    name,
    scrub(name.startsWith('config/') ? text : redactFile(text, 'output').text, secrets),
  ]);
}

/** `hactl support-bundle`: a tar.gz for debugging, without secrets. */
export async function supportBundle(socket: string, options: BundleOptions): Promise<number> {
  const name = `hactl-support-${os.hostname()}-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}`;
  const out = options.out ?? `${name}.tar.gz`;
  const entries = await collect(socket, options);
  const staging = mkdtempSync(path.join(os.tmpdir(), 'hactl-support-'));
  try {
    for (const [file, text] of entries) {
      const target = path.join(staging, name, file);
      mkdirSync(path.dirname(target), {recursive: true});
      writeFileSync(target, text);
    }
    try {
      // Readable by its owner only, and never overwrites a file.
      writeFileSync(out, '', {mode: 0o600, flag: 'wx'});
    } catch (error) {
      throw new CliError(
        exit.failed,
        `cannot write ${out}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    await run('tar', ['-czf', out, '-C', staging, name]);
  } finally {
    rmSync(staging, {recursive: true, force: true});
  }
  const files = entries.map(([file]) => file);
  process.stdout.write(
    options.json
      ? `${jsonText({version: 1, bundle: out, files})}\n`
      : `${out}: ${files.length} files, keys and passwords replaced; review it before you share it\n`,
  );
  return exit.ok;
}
