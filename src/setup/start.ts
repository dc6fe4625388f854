/** Starts hactld through systemd, and prints what it waits for. */
import {spawn} from 'node:child_process';
import {existsSync} from 'node:fs';
import {text as readAll} from 'node:stream/consumers';

export interface Started {
  readonly ok: boolean;
  readonly text: string;
}

export interface StartOptions {
  /** What is shown while systemd starts the service: a line whenever that changes. */
  readonly print: (line: string) => void;
  readonly systemctl?: string;
  /** Exists where systemd runs. */
  readonly systemd?: string;
  /** Polling interval in milliseconds. */
  readonly every?: number;
}

const UNIT = 'hactld.service';

interface Ended {
  /** null: it could not be run, or was killed. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(program: string, ...words: string[]): Promise<Ended> {
  const child = spawn(program, words, {stdio: ['ignore', 'pipe', 'pipe']});
  const ended = new Promise<{status: number | null; why: string}>((resolve) => {
    child.on('error', ({message}) => resolve({status: null, why: message}));
    child.on('close', (status) => resolve({status, why: ''}));
  });
  const [{status, why}, stdout, stderr] = await Promise.all([
    ended,
    readAll(child.stdout).catch(() => ''),
    readAll(child.stderr).catch(() => ''),
  ]);
  return {status, stdout, stderr: stderr || why};
}

/** The state of the unit, and the line of status that hactld gave systemd. */
async function look(systemctl: string): Promise<{readonly state: string; readonly status: string}> {
  const {stdout} = await run(systemctl, 'show', '--property=ActiveState,StatusText', UNIT);
  const value = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(stdout)?.[1]?.trim() ?? '';
  return {state: value('ActiveState'), status: value('StatusText')};
}

/** A line about a start in progress; undefined if there is nothing to report. */
function progress({state, status}: {readonly state: string; readonly status: string}): string | undefined {
  if (state === 'deactivating') return 'hactld stops first: its addresses go to the peer';
  const reason = /^waits: (.*)/.exec(status)?.[1];
  return state === 'activating' && reason !== undefined ? `hactld waits: ${reason}` : undefined;
}

/** Starts hactld, or restarts it if it runs. Resolves once systemd has started it, with its state. */
export async function startDaemon(options: StartOptions): Promise<Started> {
  const {print, systemctl = 'systemctl', systemd = '/run/systemd/system', every = 500} = options;
  if (!existsSync(systemd))
    return {
      ok: true,
      text: 'there is no systemd here: start hactld manually; it runs in the foreground',
    };
  print('starting hactld: systemd waits until it may serve, for a minute at most');
  let [ended, shown] = [false, ''];
  const watch = async (): Promise<void> => {
    while (!ended) {
      // oxlint-disable-next-line no-await-in-loop -- one look after another.
      const line = progress(await look(systemctl));
      if (!ended && line !== undefined && line !== shown) print((shown = line));
      // oxlint-disable-next-line no-await-in-loop -- the pause between two looks.
      if (!ended) await new Promise<void>((resolve) => void setTimeout(resolve, every).unref());
    }
  };
  void watch();
  const {status, stderr} = await run(systemctl, 'restart', UNIT);
  ended = true;
  if (status !== 0)
    return {
      ok: false,
      text: `hactld did not start: ${stderr.trim().split('\n')[0] ?? ''}; journalctl -u hactld -n 50`,
    };
  await run(systemctl, 'enable', '--quiet', UNIT);
  const {state, status: now} = await look(systemctl);
  const [, kind, reason] = /^(serves|waits): (.*)/.exec(now) ?? [];
  if (kind === 'waits')
    return {
      ok: true,
      text: `hactld is running, and does not serve yet: it waits (${reason}); hactl status shows more`,
    };
  if (state !== '' && state !== 'active')
    return {ok: false, text: `hactld is not running (${state}); journalctl -u hactld -n 50`};
  return {
    ok: true,
    text: `hactld is running${reason === undefined ? '' : ` and serves (${reason})`}; hactl status shows the pair`,
  };
}
