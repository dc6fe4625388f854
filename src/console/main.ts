/** The console as a program: its command line, its place to listen, its end. */
import {randomBytes} from 'node:crypto';
import {existsSync, mkdirSync, readFileSync, rmSync, statSync} from 'node:fs';
import {connect} from 'node:net';
import os from 'node:os';
import path from 'node:path';
import {Command, CommanderError, Option} from 'commander';
import {systemClock} from '@hactl/base';
import {replaceFile} from '@hactl/base/files';
import {controlSocket, defaultPaths, readSocket, VERSION} from '../system/paths.ts';
import {openAudit} from './audit.ts';
import {fingerprint, openCertificate} from './certificate.ts';
import {openDaemon} from './daemon.ts';
import {openHistoryFile} from './history-file.ts';
import {makeConsole} from './server.ts';
import {stateText} from './state-text.ts';
import {makeFirstLink, openUsers} from './users.ts';

/** Piranha's. */
const PORT = 3636;
const STATE_DIR = process.env.HACTL_CONSOLE_STATE_DIR ?? '/var/lib/hactl-console';
/** The built page beside the program, or in the checkout. */
const pages = [
  path.join(import.meta.dirname, 'console'),
  path.resolve(import.meta.dirname, '../../dist/console'),
];

interface Options {
  readonly listen: string;
  readonly socket?: string;
  readonly runDir: string;
  readonly stateDir: string;
  readonly cert?: string;
  readonly key?: string;
  readonly name: string;
}

const tokenFile = (stateDir: string): string => path.join(stateDir, 'metrics.token');

function metricsToken(stateDir: string): string {
  const file = tokenFile(stateDir);
  if (!existsSync(file)) replaceFile(file, randomBytes(24).toString('base64url') + '\n', 0o600);
  return readFileSync(file, 'utf8').trim();
}

async function certificateOf({cert, key, stateDir, name}: Options) {
  if (cert !== undefined && key !== undefined)
    return {cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8')};
  const addresses = Object.values(os.networkInterfaces())
    .flatMap((all) => all ?? [])
    .filter(({internal, scopeid}) => !internal && !scopeid)
    .map(({address}) => address);
  return openCertificate(stateDir, [name, 'localhost', ...addresses], systemClock.wall());
}

async function serve(options: Options): Promise<void> {
  const {stateDir, runDir, socket, listen} = options;
  const certificate = socket === undefined ? await certificateOf(options) : undefined;
  const page = pages.find((folder) => existsSync(path.join(folder, 'index.html')));
  const {app, close} = await makeConsole({
    clock: systemClock,
    daemon: openDaemon(controlSocket(runDir)),
    users: openUsers(stateDir),
    audit: openAudit(stateDir),
    version: VERSION,
    history: openHistoryFile(stateDir),
    metricsToken: metricsToken(stateDir),
    ...(page === undefined ? {} : {page}),
    ...(certificate ? {certificate} : {}),
  });
  const say = (text: string): boolean => process.stdout.write(`${text}\n`);
  if (socket !== undefined) {
    rmSync(socket, {force: true});
    await app.listen({path: socket});
    say(`console: listens on ${socket}`);
  } else {
    const [, host = '', port = ''] = /^(?:\[?(.*?)\]?:)?(\d+)$/.exec(listen) ?? [];
    const address = await app.listen({host: host === '' ? '::' : host, port: Number(port)});
    say(`console: listens on ${address}`);
    if (certificate) say(`console: certificate SHA-256 ${fingerprint(certificate.cert)}`);
  }
  if (page === undefined) say('console: no page was built: only the API is served');
  if (openUsers(stateDir).list().length === 0)
    say('console: no user yet: `hactl-console link` on this machine prints the link for the first one');
  const end = (): void => {
    void close().then(() => process.exit(0));
    setTimeout(() => process.exit(0), 2_000).unref();
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
}

/**
 * The unit's user owns the state directory: what root does there is done as that user, who has to read it afterwards and
 * whose access to the control socket is what counts.
 */
function becomeOwner(stateDir: string): void {
  const {uid, gid} = statSync(stateDir);
  if (process.getuid?.() !== 0 || uid === 0) return;
  // Node's types lack it.
  (process as {initgroups?: (user: number, group: number) => void}).initgroups?.(uid, gid);
  process.setgid?.(gid);
  process.setuid?.(uid);
}

async function stateOf(options: Options): Promise<string> {
  const {stateDir, runDir, socket, listen, name} = options;
  const certificate = socket === undefined ? await certificateOf(options) : undefined;
  const reached = (path: string): Promise<boolean> =>
    openDaemon(path)
      .status()
      .then(
        () => true,
        () => false,
      );
  return stateText({
    place: socket ?? `https://${name}:${listen.split(':').at(-1) ?? PORT}/`,
    listening: await answers(
      socket === undefined ? {port: Number(listen.split(':').at(-1))} : {path: socket},
    ),
    ...(certificate ? {fingerprint: fingerprint(certificate.cert)} : {}),
    users: openUsers(stateDir).list(),
    access: (await reached(controlSocket(runDir)))
      ? 'change'
      : (await reached(readSocket(runDir)))
        ? 'look'
        : 'none',
  });
}

/** Whether somebody listens there, on this machine. */
const answers = (at: {port: number} | {path: string}): Promise<boolean> =>
  new Promise((resolve) => {
    const connection = connect(at);
    const end = (is: boolean): void => {
      connection.destroy();
      resolve(is);
    };
    connection.on('connect', () => end(true));
    connection.on('error', () => end(false));
  });

function program(): Command {
  const command = new Command('hactl-console')
    .description(
      'The web console of a pair of directors. Off until it is started; it has no privilege of its own.',
    )
    .version(VERSION)
    .exitOverride()
    .addOption(new Option('--listen <ADDRESS:PORT>', 'where to listen').default(`${PORT}`))
    .addOption(new Option('--socket <PATH>', 'listen on a Unix socket in the clear, behind a proxy'))
    .addOption(
      new Option('--run-dir <DIR>', 'where the daemon’s control socket is').default(defaultPaths.runDir),
    )
    .addOption(new Option('--state-dir <DIR>', 'users, certificate, audit log').default(STATE_DIR))
    .addOption(new Option('--cert <FILE>', 'a certificate of your own, PEM'))
    .addOption(new Option('--key <FILE>', 'its key, PEM'))
    .addOption(
      new Option('--name <NAME>', 'the host name in the certificate and in links').default(os.hostname()),
    );
  command.hook('preAction', () => {
    const {stateDir} = command.opts<Options>();
    mkdirSync(stateDir, {recursive: true, mode: 0o700});
    becomeOwner(stateDir);
  });
  command
    .command('serve', {isDefault: true})
    .description('serve (the default)')
    .action(() => serve(command.opts<Options>()));
  command
    .command('link')
    .description('print a one-time link for the first user, good for a quarter of an hour')
    .action(() => {
      const {stateDir, name, listen} = command.opts<Options>();
      const token = makeFirstLink(stateDir, systemClock.wall());
      process.stdout.write(`https://${name}:${listen.split(':').at(-1) ?? PORT}/#first=${token}\n`);
    });
  command
    .command('status')
    .description('print where the console is, its fingerprint, its users, and what it may do')
    .action(async () => {
      process.stdout.write(await stateOf(command.opts<Options>()));
    });
  command
    .command('fingerprint')
    .description('print the certificate’s fingerprint, to compare with what the browser shows')
    .action(async () => {
      process.stdout.write(`${fingerprint((await certificateOf(command.opts<Options>())).cert)}\n`);
    });
  command
    .command('token')
    .description('print the bearer token for /metrics')
    .action(() => {
      process.stdout.write(`${metricsToken(command.opts<Options>().stateDir)}\n`);
    });
  return command;
}

/** Runs the command line; a wrong one ends with status 2. */
export async function runConsole(argv: readonly string[]): Promise<void> {
  process.umask(0o077);
  try {
    await program().parseAsync([...argv], {from: 'user'});
  } catch (error) {
    if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
    process.stderr.write(`hactl-console: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}
