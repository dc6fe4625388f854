/**
 * Servers for keepalived's checkers: each case has a checker, a server with a fixed answer, and the verdict of keepalived.
 * Servers listen on 127.0.0.1, from port 20001 on; each case is a separate virtual service.
 */
import {execFileSync} from 'node:child_process';
import dgram from 'node:dgram';
import {readFileSync} from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';

export interface Case {
  readonly name: string;
  readonly checker: string;
  /** Absent: the port is closed. */
  readonly serve?: (socket: net.Socket) => void;
  readonly over?: 'tls' | 'udp' | 'none';
  /** DNS: response code; undefined: no answer. */
  readonly dns?: number;
  /** The weight in the table; undefined: not in the table. */
  readonly weight: number | undefined;
  /** Statements of the real_server and of the virtual_server. */
  readonly real?: string;
  readonly virtual?: string;
  /** The sorry server is in the table. */
  readonly sorry?: true;
}

const WEIGHT = 7;
export const firstPort = 20_001;
const checkPort = (index: number): number => firstPort + 500 + index;

/** Answers a complete request with this text, then closes. */
const answer =
  (...pieces: readonly string[]) =>
  (socket: net.Socket): void => {
    socket.once('data', () => {
      for (const piece of pieces.slice(0, -1)) socket.write(piece);
      socket.end(pieces.at(-1) ?? '');
    });
  };
const page = (status: string, body = 'It works!\n', head = ''): string =>
  `HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${head}\r\n${body}`;
const ok = answer(page('200 OK'));
const silent = (): void => undefined;
const reset = (socket: net.Socket): void => void socket.resetAndDestroy();

/** Answers 200 if the head has this line. */
const wants =
  (line: RegExp) =>
  (socket: net.Socket): void => {
    socket.once('data', (head: Buffer) => {
      socket.end(page(line.test(head.toString('latin1')) ? '200 OK' : '404 Not Found'));
    });
  };

/** Sends the first line, then answers each line with the next one. */
const dialogue =
  (greeting: string, ...replies: readonly string[]) =>
  (socket: net.Socket): void => {
    const left = [...replies];
    socket.write(greeting);
    socket.on('data', (line: Buffer) => {
      if (line.toString('latin1').startsWith('QUIT')) socket.end('221 bye\r\n');
      else socket.write(left.shift() ?? '250 ok\r\n');
    });
  };

const web = (lines = '', kind = 'HTTP_GET'): string => `${kind} {\n url {\n path /\n ${lines}\n }\n}`;
const misc = (program: string, more = ''): string => `MISC_CHECK {\n misc_path ${program}\n ${more}\n}`;
const dns = 'DNS_CHECK {\n type A\n name www.example.org\n}';

type Short = readonly [
  name: string,
  checker: string,
  serve: Case['serve'],
  weight?: number | undefined,
  more?: Partial<Case>,
];

/** The same web servers without and with TLS. */
const webCases = (kind: 'HTTP_GET' | 'SSL_GET'): Short[] => [
  ['200', web('', kind), ok, WEIGHT],
  ['204', web('', kind), answer('HTTP/1.1 204 No Content\r\n\r\n'), WEIGHT],
  ['closed after the body', web('', kind), answer('HTTP/1.0 200 OK\r\n\r\nIt works!'), WEIGHT],
  ['301', web('', kind), answer(page('301 Moved', '', 'Location: /\r\n'))],
  ['404', web('', kind), answer(page('404 Not Found'))],
  ['503', web('', kind), answer(page('503 Busy'))],
  ['401 expected', web('status_code 401', kind), answer(page('401 Unauthorized')), WEIGHT],
  ['401 expected, 200 received', web('status_code 401', kind), ok],
  [
    '302 expected',
    web('status_code 301-303', kind),
    answer(page('302 Found', '', 'Location: /\r\n')),
    WEIGHT,
  ],
  ['several statuses', web('status_code 200 404', kind), answer(page('404 Not Found')), WEIGHT],
  ['the expression matches', web('regex "w[o]rks!"', kind), ok, WEIGHT],
  ['the expression does not match', web('regex broken', kind), ok],
  ['status and expression', web('status_code 503\n regex works', kind), answer(page('503 Busy')), WEIGHT],
  ['the expression matches, another status', web('regex works', kind), answer(page('503 Busy'))],
  ['silent', web('', kind), silent],
  ['closed without an answer', web('', kind), (socket) => socket.end()],
  ['not HTTP', web('', kind), answer('SSH-2.0-OpenSSH_9.2\r\n')],
];

const cases: readonly Short[] = [
  ...webCases('HTTP_GET').map(([name, ...rest]): Short => [`HTTP_GET ${name}`, ...rest]),
  ...webCases('SSL_GET').map(([name, checker, serve, weight]): Short => [
    `SSL_GET ${name}`,
    checker,
    serve,
    weight,
    {over: 'tls'},
  ]),
  ['HTTP_GET in pieces', web('regex "It works"'), answer('HTTP/1.1 200 OK\r\n\r\nIt ', 'wor', 'ks'), WEIGHT],
  ['HTTP_GET far into the body', web('regex END'), answer(page('200 OK', `${'x'.repeat(60_000)}END`)), WEIGHT],
  ['HTTP_GET closed port', web(), undefined],
  ['HTTP_GET resets', web(), reset],
  ['HTTP_GET without a url', 'HTTP_GET {\n}', undefined, WEIGHT],
  ['SSL_GET without TLS', web('', 'SSL_GET'), ok],
  ['SSL_GET closed port', web('', 'SSL_GET'), undefined, undefined, {over: 'none'}],
  ['a path', 'HTTP_GET {\n url {\n path /ok?x=1\n }\n}', wants(/^GET \/ok\?x=1 /), WEIGHT],
  ['virtualhost of the url', web('virtualhost a.example'), wants(/^Host: a\.example\r$/im), WEIGHT],
  ['virtualhost of the server', web(), wants(/^Host: b\.example\r$/im), WEIGHT, {real: 'virtualhost b.example'}],
  ['virtualhost of the service', web(), wants(/^Host: c\.example\r$/im), WEIGHT, {virtual: 'virtualhost c.example'}],
  ['no virtualhost', web(), wants(/^Host: a\.example\r$/im)],
  ['TCP_CHECK', 'TCP_CHECK {\n}', silent, WEIGHT],
  ['TCP_CHECK closed port', 'TCP_CHECK {\n}', undefined],
  ['TCP_CHECK closed at once', 'TCP_CHECK {\n}', (socket) => socket.end(), WEIGHT],
  ['TCP_CHECK connect_port', 'TCP_CHECK {\n connect_port CHECKPORT\n}', undefined],
  ['SMTP_CHECK', 'SMTP_CHECK {\n}', dialogue('220 hello\r\n'), WEIGHT],
  ['SMTP_CHECK refuses', 'SMTP_CHECK {\n}', dialogue('554 no\r\n')],
  ['SMTP_CHECK silent', 'SMTP_CHECK {\n}', silent],
  ['SMTP_CHECK not SMTP', 'SMTP_CHECK {\n}', dialogue('SSH-2.0-OpenSSH_9.2\r\n')],
  ['SMTP_CHECK closed port', 'SMTP_CHECK {\n}', undefined],
  ['SMTP_CHECK HELO is refused', 'SMTP_CHECK {\n}', dialogue('220 hello\r\n', '550 no\r\n', '550 no\r\n')],
  ['MISC_CHECK 0', misc('/bin/true'), undefined, WEIGHT],
  ['MISC_CHECK 1', misc('/bin/false'), undefined],
  ['MISC_CHECK 2', misc(`"/bin/sh -c 'exit 2'"`), undefined],
  ['MISC_CHECK with arguments', misc(`"/bin/sh -c 'test \\"a b\\" = \\"a b\\"'"`), undefined, WEIGHT],
  ['MISC_CHECK killed', misc(`"/bin/sh -c 'kill -9 $$'"`), undefined],
  ['MISC_CHECK hangs', misc('"/bin/sleep 600"', 'misc_timeout 1'), undefined],
  ['misc_dynamic 0', misc('/bin/true', 'misc_dynamic'), undefined, WEIGHT],
  ['misc_dynamic 1', misc('/bin/false', 'misc_dynamic'), undefined],
  ['misc_dynamic 12', misc(`"/bin/sh -c 'exit 12'"`, 'misc_dynamic'), undefined, 10],
  ['misc_dynamic 255', misc(`"/bin/sh -c 'exit 255'"`, 'misc_dynamic'), undefined, 253],
  ['DNS_CHECK', dns, undefined, WEIGHT, {over: 'udp', dns: 0}],
  ['DNS_CHECK no such name', dns, undefined, undefined, {over: 'udp', dns: 3}],
  ['DNS_CHECK refused', dns, undefined, undefined, {over: 'udp', dns: 5}],
  ['DNS_CHECK silent', dns, undefined, undefined, {over: 'udp'}],
  ['PING_CHECK', 'PING_CHECK {\n}', undefined, WEIGHT],
  ['no checker', '', undefined, WEIGHT],
  ['no checker, weight of the service', '', undefined, 9, {virtual: 'weight 9', real: ''}],
  ['down and kept', 'TCP_CHECK {\n}', undefined, 0, {real: 'inhibit_on_failure'}],
  ['down, kept by the service', web(), answer(page('500 No')), 0, {virtual: 'inhibit_on_failure'}],
  ['down with a sorry server', 'TCP_CHECK {\n}', undefined, undefined, {virtual: 'sorry_server 127.0.0.9 80', sorry: true}],
  ['up with a sorry server', 'TCP_CHECK {\n}', silent, WEIGHT, {virtual: 'sorry_server 127.0.0.9 80'}],
]; // prettier-ignore

export const farmCases: readonly Case[] = cases.map(([name, checker, serve, weight, more = {}]) => ({
  name,
  checker,
  ...(serve ? {serve} : {}),
  weight,
  ...more,
}));

/** keepalived.conf with a virtual service for each case. */
export function farmConfig(all: readonly Case[]): string {
  const services = all.map(({checker, real, virtual = '', over}, index) => {
    const weight = virtual.startsWith('weight') ? '' : `weight ${WEIGHT}`;
    const protocol = over === 'udp' ? 'UDP' : 'TCP';
    return `virtual_server 10.99.0.1 ${1_001 + index} {
  lb_algo wrr
  lb_kind NAT
  protocol ${protocol}
  delay_loop 4
  retry 1
  delay_before_retry 1
  connect_timeout 10
  ${virtual}
  real_server 127.0.0.1 ${firstPort + index} {
    ${weight}
    ${real ?? ''}
    ${checker.replace('CHECKPORT', String(checkPort(index)))}
  }
}
`;
  });
  return `vrrp_instance V {
  interface lo
  virtual_router_id 9
  virtual_ipaddress {
    10.99.0.1/32
  }
}
${services.join('')}`;
}

/** Expected output of `ipvsadm -S -n` for a case, after its check. */
export function farmTable(all: readonly Case[]): string[] {
  return all
    .flatMap(({weight, over, sorry}, index) => {
      const service = `${over === 'udp' ? '-u' : '-t'} 10.99.0.1:${1_001 + index}`;
      return [
        `-A ${service} -s wrr`,
        ...(weight === undefined ? [] : [`-a ${service} -r 127.0.0.1:${firstPort + index} -m -w ${weight}`]),
        ...(sorry ? [`-a ${service} -r 127.0.0.9:80 -m -w 1`] : []),
      ];
    })
    .toSorted();
}

/** The response to a query, with this code and, for code 0, an address. */
function dnsAnswer(question: Buffer, code: number): Buffer {
  const head = Buffer.from(question.subarray(0, 12));
  head.writeUInt16BE(0x81_80 | code, 2);
  head.writeUInt16BE(code === 0 ? 1 : 0, 6);
  head.writeUInt16BE(0, 10);
  const end = question.indexOf(0, 12) + 5;
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 80]);
  return Buffer.concat([head, question.subarray(12, end), ...(code === 0 ? [record] : [])]);
}

/** Starts all servers. `asked` counts the requests of each case. */
export async function openFarm(
  all: readonly Case[],
  folder: string,
): Promise<{readonly asked: readonly number[]; readonly close: () => void}> {
  const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
  const words = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=real.test';
  execFileSync('openssl', [...words.split(' '), '-keyout', key, '-out', cert], {stdio: 'ignore'});
  const secure = {key: readFileSync(key), cert: readFileSync(cert)};
  const asked = all.map(() => 0);
  const closers: (() => void)[] = [];
  const opened = all.map(async ({serve, over, dns: code}, index) => {
    const note = (): void => {
      asked[index] = (asked[index] ?? 0) + 1;
    };
    if (over === 'udp') {
      const socket = dgram.createSocket('udp4');
      socket.on('message', (question, {port, address}) => {
        note();
        if (code !== undefined) socket.send(dnsAnswer(question, code), port, address);
      });
      closers.push(() => socket.close());
      return new Promise<void>((resolve) => {
        socket.bind(firstPort + index, '127.0.0.1', resolve);
      });
    }
    if (!serve) return undefined;
    const handle = (socket: net.Socket): void => {
      note();
      socket.on('error', silent);
      serve(socket);
    };
    const server = over === 'tls' ? tls.createServer(secure, handle) : net.createServer(handle);
    const open = new Set<net.Socket>();
    server.on('connection', (socket: net.Socket) => {
      open.add(socket);
      socket.on('error', silent);
      socket.on('close', () => open.delete(socket));
    });
    closers.push(() => {
      server.close();
      for (const socket of open) socket.destroy();
    });
    return new Promise<void>((resolve) => {
      server.listen(firstPort + index, '127.0.0.1', resolve);
    });
  });
  await Promise.all(opened);
  return {
    asked,
    close: () => {
      for (const close of closers) close();
    },
  };
}
