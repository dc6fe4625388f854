import {ask, ControlError} from '../../control/client.ts';
import {CliError, exit} from '../exit.ts';
import {paintFor} from '../render/paint.ts';
import {renderWatch, sampleOf, type Look, type WatchView} from '../render/render-watch.ts';
import {ASK_LIMIT_MS} from '../../system/limits.ts';

const EVERY = 1_000;
/** One sample per second: enough for the widest sparkline, plus one for the first rate. */
const HISTORY = 61;
const EVENTS = 6;

// Terminal control sequences (ECMA-48 and xterm): alternate screen, no cursor; each line is overwritten in place.
const ENTER = '\u001B[?1049h\u001B[?25l';
const LEAVE = '\u001B[?25h\u001B[?1049l';
/** q, Q, Ctrl-C, Ctrl-D. */
const KEYS: readonly number[] = [0x71, 0x51, 3, 4];
const HOME = '\u001B[H';
const END_OF_LINE = '\u001B[K';
const END_OF_SCREEN = '\u001B[J';

export interface WatchOptions {
  /** Number of frames; without it, until q or Ctrl-C. */
  readonly count?: string;
}

async function look(socket: string): Promise<Look> {
  const [status, {events}] = await Promise.all([
    ask(socket, {command: 'status'}, ASK_LIMIT_MS),
    ask(socket, {command: 'events', limit: EVENTS}, ASK_LIMIT_MS),
  ]);
  return {status, events};
}

/** Draws frames on a terminal; `restore` resets it. */
function openScreen(quit: () => void): {draw(lines: readonly string[]): void; restore(): void} {
  const {stdin, stdout} = process;
  let open = true;
  const onKey = (key: Buffer): void => {
    // Raw mode: Ctrl-C arrives as a key.
    if (key.some((code) => KEYS.includes(code))) quit();
  };
  stdout.write(ENTER);
  if (stdin.isTTY) {
    stdin.setRawMode(true);
    stdin.on('data', onKey);
  }
  const restore = (): void => {
    if (!open) return;
    open = false;
    if (stdin.isTTY) {
      stdin.off('data', onKey);
      stdin.setRawMode(false);
      stdin.pause();
    }
    stdout.write(LEAVE);
  };
  process.once('exit', restore);
  return {
    draw: (lines) => {
      if (open) stdout.write(HOME + lines.map((line) => line + END_OF_LINE).join('\r\n') + END_OF_SCREEN);
    },
    restore,
  };
}

/** `hactl watch`: a frame per second; if the output is not a terminal, as plain text. */
export async function watch(socket: string, options: WatchOptions): Promise<number> {
  if (options.count !== undefined && !/^[1-9]\d*$/.test(options.count))
    throw new CliError(exit.config, `--count ${options.count}: not a number of frames`);
  let left = options.count === undefined ? Infinity : Number(options.count);
  // A missing daemon at the start is an error, as for every command; if it disappears later, the screen shows that.
  const first = await look(socket);
  let view: WatchView = {look: first, samples: [sampleOf(first.status)]};

  const {stdout} = process;
  const paint = paintFor(stdout);
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const end = (): void => {
      clearTimeout(timer);
      left = 0;
      stdout.off('resize', draw);
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, end);
      screen?.restore();
      resolve(exit.ok);
    };
    const screen = stdout.isTTY ? openScreen(end) : undefined;
    function draw(): void {
      if (screen) screen.draw(renderWatch(view, stdout.columns, stdout.rows, paint));
    }
    function frame(): void {
      if (screen) draw();
      else stdout.write(renderWatch(view, stdout.columns ?? 100, Infinity, paint).join('\n') + '\n\n');
      left -= 1;
      if (left <= 0) end();
      else timer = setTimeout(() => void step(), EVERY);
    }
    async function step(): Promise<void> {
      try {
        const next = await look(socket);
        view = {look: next, samples: [...view.samples, sampleOf(next.status)].slice(-HISTORY)};
      } catch (error) {
        if (!(error instanceof ControlError)) throw error;
        view = {...view, problem: error.message};
      }
      if (left > 0) frame();
    }
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
    stdout.on('resize', draw);
    frame();
  });
}
