/** What the supervisor's logger writes to its stderr and to syslog, seen from outside its process. */
import {spawnSync} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {until} from '../../test/lab/until.ts';

const LIMIT = 20_000;
const LOG = fileURLToPath(new URL('log.ts', import.meta.url));

/** Writes three lines, the first before the configuration names a facility; `logger` is a script that keeps what it gets. */
async function written(
  t: ExecutionContext,
  syslog: {readonly journalHasSyslog: boolean; readonly facility: string},
) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-log-'));
  t.teardown(() => rmSync(folder, {recursive: true, force: true}));
  const [out, done] = [path.join(folder, 'out'), path.join(folder, 'done')];
  writeFileSync(path.join(folder, 'logger'), `#!/bin/sh\ncat >${out}\n: >${done}\n`, {mode: 0o755});
  const options = {
    level: 'info',
    format: 'human',
    node: 'one',
    underJournal: true,
    journalHasSyslog: syslog.journalHasSyslog,
  };
  const program = `
    import {makeLogger} from ${JSON.stringify(LOG)};
    const logger = makeLogger(${JSON.stringify(options)});
    logger.log('info', 'before');
    logger.configure({ha: {hactl: {}, logFacility: ${JSON.stringify(syslog.facility)}}, ldirectord: []});
    logger.log('warn', 'with syslog');
    logger.log('info', 'at the end');
    await logger.close();`;
  const {stderr} = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    env: {...process.env, PATH: `${folder}:${process.env.PATH}`},
  });
  const received = syslog.facility.startsWith('local')
    ? await until('logger has every line', LIMIT, () => {
        try {
          readFileSync(done);
          return readFileSync(out, 'utf8');
        } catch {
          return undefined;
        }
      })
    : '';
  return {stderr, received};
}

test('where journald reads syslog too, a line goes there or to stderr, not to both', async (t) => {
  const {stderr, received} = await written(t, {journalHasSyslog: true, facility: 'local0'});
  t.is(stderr, '<6>before\n');
  t.is(received, '<132>with syslog\n<134>at the end\n');
});

test('where another program reads syslog, every line goes to both', async (t) => {
  const {stderr, received} = await written(t, {journalHasSyslog: false, facility: 'local0'});
  t.is(stderr, '<6>before\n<4>with syslog\n<6>at the end\n');
  t.is(received, '<132>with syslog\n<134>at the end\n');
});

test('a facility that cannot be written leaves every line on stderr', async (t) => {
  const {stderr} = await written(t, {journalHasSyslog: true, facility: 'nosuch'});
  t.regex(
    stderr,
    /^<6>before\n<4>cannot write to syslog facility nosuch: .*\n<4>with syslog\n<6>at the end\n$/,
  );
});
