/** Log lines reach an OpenTelemetry collector, here an HTTP server that records its requests. */
import {once} from 'node:events';
import {createServer, type IncomingHttpHeaders} from 'node:http';
import type {AddressInfo} from 'node:net';
import {spawnSync} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {openOtlp} from './otlp.ts';

interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: {
    readonly resourceLogs: readonly {
      readonly resource: {readonly attributes: readonly {readonly key: string; readonly value: object}[]};
      readonly scopeLogs: readonly {
        readonly logRecords: readonly {
          readonly severityNumber: number;
          readonly severityText: string;
          readonly body: {readonly stringValue: string};
          readonly timeUnixNano: string;
        }[];
      }[];
    }[];
  };
}

async function collector(t: ExecutionContext, status: () => number = () => 200) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      received.push({
        path: request.url ?? '',
        headers: request.headers,
        body: JSON.parse(text) as Received['body'],
      });
      response.writeHead(status(), {'content-type': 'application/json'}).end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const {port} = server.address() as AddressInfo;
  return {received, url: `http://127.0.0.1:${port}`};
}

const records = (received: readonly Received[]) =>
  received.flatMap(({body}) =>
    body.resourceLogs.flatMap(({scopeLogs}) => scopeLogs.flatMap(({logRecords}) => logRecords)),
  );

test('lines arrive with severity, time, director and version, at OTLP’s path', async (t) => {
  const {received, url} = await collector(t);
  const problems: (string | undefined)[] = [];
  const before = BigInt(Date.now()) * 1_000_000n;
  const otlp = openOtlp({
    receiver: {url, token: 'secret'},
    node: 'director1',
    version: '0.2.0',
    changed: (problem) => problems.push(problem),
  });
  otlp.write('warn', 'the peer is dead');
  otlp.write('info', 'Backup -> Active');
  await otlp.close();
  t.deepEqual(
    records(received).map(({severityNumber, severityText, body}) => [
      severityNumber,
      severityText,
      body.stringValue,
    ]),
    [
      [13, 'WARN', 'the peer is dead'],
      [9, 'INFO', 'Backup -> Active'],
    ],
  );
  t.true(records(received).every(({timeUnixNano}) => BigInt(timeUnixNano) >= before));
  t.is(received[0]?.path, '/v1/logs');
  t.is(received[0]?.headers.authorization, 'Bearer secret');
  const attributes = received[0]?.body.resourceLogs[0]?.resource.attributes ?? [];
  for (const [key, stringValue] of [
    ['service.name', 'hactl'],
    ['service.version', '0.2.0'],
    ['host.name', 'director1'],
  ])
    t.deepEqual(attributes.find((attribute) => attribute.key === key)?.value, {stringValue}, key);
  t.deepEqual(problems, []);
});

test('a path that the URL names is kept', async (t) => {
  const {received, url} = await collector(t);
  const otlp = openOtlp({
    receiver: {url: `${url}/tenant/logs`},
    node: 'director1',
    version: '0.2.0',
    changed: () => t.fail(),
  });
  otlp.write('error', 'x');
  await otlp.close();
  t.is(received[0]?.path, '/tenant/logs');
});

test('a collector that refuses is reported once, and the director goes on', async (t) => {
  const {url} = await collector(t, () => 400);
  const problems: (string | undefined)[] = [];
  const otlp = openOtlp({
    receiver: {url, token: 'secret'},
    node: 'director1',
    version: '0.2.0',
    changed: (problem) => problems.push(problem),
  });
  otlp.write('error', 'first');
  otlp.write('error', 'second');
  await otlp.close();
  t.is(problems.length, 1);
  t.false(String(problems[0]).includes('secret'));
});

test('without a collector its packages are not loaded', (t) => {
  const log = fileURLToPath(new URL('./log.ts', import.meta.url));
  const script = `
    import {registerHooks} from 'node:module';
    const loaded = [];
    registerHooks({load: (url, context, next) => (loaded.push(url), next(url, context))});
    const {makeLogger} = await import(${JSON.stringify(log)});
    const logger = makeLogger({level: 'info', format: 'human', node: 'director1', underJournal: false, journalHasSyslog: false});
    const count = () => loaded.filter((url) => url.includes('opentelemetry')).length;
    logger.configure({ldirectord: []});
    const without = count();
    logger.configure({ha: {hactl: {otlp: {url: 'http://127.0.0.1:9'}}}, ldirectord: []});
    await logger.close();
    process.stdout.write(JSON.stringify([without, count() > 0]));`;
  const {stdout, stderr} = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    encoding: 'utf8',
  });
  t.deepEqual(JSON.parse(stdout || 'null'), [0, true], stderr);
});
