/** nanny's check of a virtual service of lvs.cf. Pure. */
import type {ForwardMethod} from '../model.ts';
import {translatePerlRegex, translatePosixRegex} from '@hactl/regex';
import type {Reporter, Resolver} from '../reader.ts';
import type {ImportedCheck, ImportedScript} from './imported.ts';
import type {Entry, LvsBlock} from './lvs-cf-lines.ts';
import {quote, type Keys} from './lvs-cf-values.ts';
import {fileWord, freshName, isQuotable, literally, type Notes} from './words.ts';

export interface VirtualContext {
  readonly method: ForwardMethod;
  readonly resolve: Resolver;
  readonly reporter: Reporter;
  readonly notes: Notes;
  readonly scripts: ImportedScript[];
}

export interface ServiceKey {
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
  readonly fwmark: number;
}

/** nanny's default request for port 80; Piranha's web interface writes it for every port. */
const webRequest = String.raw`GET / HTTP/1.0\r\n\r\n`;

/** Converts nanny's check to the check of the virtual service. */
export function parseCheck(
  block: LvsBlock,
  keys: Keys,
  service: ServiceKey,
  context: VirtualContext,
): ImportedCheck {
  const {notes} = context;
  const seconds = keys.number('timeout', 1, 86_400, 10);
  const timeout = keys.entry('timeout');
  if (timeout)
    notes.approximated(
      timeout.span,
      quote(timeout),
      'ldirectord.cf: checkinterval and checktimeout; nanny uses it for both',
    );
  const rise = Math.max(1, Math.ceil(keys.number('reentry', 0, 86_400, 180) / seconds));
  const reentry = keys.entry('reentry');
  const back =
    rise > 1
      ? `ldirectord.cf: hactl_rise: a failed server returns after ${rise} consecutive passed checks`
      : 'a failed server returns with its first passed check';
  if (reentry) notes.exact(reentry.span, quote(reentry), back);
  else
    notes.exact(block.span, `virtual ${block.name}`, `${back} (no reentry is set: nanny’s default of 180 s)`);
  const monitor = keys.entry('client_monitor');
  if (monitor)
    if (monitor.value === '/usr/sbin/nanny' || monitor.value === '')
      notes.exact(monitor.span, quote(monitor), 'the checks are built in');
    else
      notes.omitted(
        monitor.span,
        quote(monitor),
        'custom monitor: use checktype=external with a checkcommand',
      );
  const load = keys.entry('load_monitor');
  if (load)
    if (load.value === 'none' || load.value === '') notes.exact(load.span, quote(load), 'no load monitor');
    else notes.omitted(load.span, quote(load), 'weights do not follow the server’s load');
  const base: Pick<ImportedCheck, 'interval' | 'timeout' | 'failures' | 'port' | 'rise'> = {
    interval: seconds * 1_000,
    timeout: seconds * 1_000,
    failures: 1,
    ...(rise > 1 ? {rise} : {}),
    ...(service.fwmark > 0 ? {port: service.port} : {}),
  };
  const [program, send, expect, regex] = ['send_program', 'send', 'expect', 'use_regex'].map((key) =>
    keys.entry(key),
  );
  const isRegex = keys.flag('use_regex', false);
  if (program && program.value !== '') {
    if (send && send.value !== '')
      notes.omitted(send.span, quote(send), 'nanny ignores it with send_program');
    else if (send) notes.exact(send.span, quote(send), 'nothing is sent');
    if (regex)
      if (isRegex)
        notes.omitted(
          regex.span,
          quote(regex),
          'nanny ignores it with send_program: the output is compared literally',
        );
      else notes.exact(regex.span, quote(regex), 'the output is compared literally');
    return {...base, type: 'external', script: writeProgram(block, program, expect, service, context)};
  }
  if (program) notes.exact(program.span, quote(program), 'no program');
  const bare = !send?.value && !expect?.value;
  if (bare && (service.port !== 80 || service.protocol === 'udp')) {
    for (const entry of [send, expect, regex])
      if (entry) notes.exact(entry.span, quote(entry), 'nothing is sent or expected');
    return {...base, type: 'connect'};
  }
  if (bare)
    notes.exact(
      block.span,
      `virtual ${block.name}`,
      `nanny’s default check of port 80, written explicitly: send ${webRequest}, expect an answer that starts with HTTP`,
    );
  const check = {
    ...base,
    ...textsOf(
      bare ? webRequest : (send?.value ?? ''),
      bare ? 'HTTP' : (expect?.value ?? ''),
      isRegex,
      service,
    ),
  };
  const lost = 'cannot be written in ldirectord.cf: the check only connects';
  const carried = check.type === 'negotiate';
  const simple = 'sendExpect' in check ? '' : '; nanny’s comparison is available for tcp only';
  if (send && send.value !== '')
    if (!carried) notes.omitted(send.span, quote(send), lost);
    else if (simple === '') notes.exact(send.span, quote(send), 'ldirectord.cf: hactl_send');
    else notes.approximated(send.span, quote(send), `ldirectord.cf: request of service=simpletcp${simple}`);
  if (expect && expect.value !== '')
    if (!carried) notes.omitted(expect.span, quote(expect), lost);
    else if (simple === '')
      notes.exact(
        expect.span,
        quote(expect),
        isRegex
          ? 'ldirectord.cf: hactl_expect, a POSIX regular expression'
          : 'ldirectord.cf: hactl_expect, compared with the beginning of the answer',
      );
    else
      notes.approximated(expect.span, quote(expect), `ldirectord.cf: receive of service=simpletcp${simple}`);
  if (regex)
    notes.exact(
      regex.span,
      quote(regex),
      isRegex ? 'ldirectord.cf: hactl_expect_regex' : 'the text is compared literally',
    );
  return check;
}

/** The text for double quotes: a quote in it becomes an escape, which is valid in both kinds of text. */
const escaped = (text: string): string => text.replaceAll('"', String.raw`\x22`);

/** nanny's send and expect: unchanged for tcp, as simpletcp for udp; a plain connect if a text cannot be written. */
function textsOf(
  send: string,
  expect: string,
  regex: boolean,
  service: ServiceKey,
): Pick<ImportedCheck, 'type' | 'service' | 'request' | 'receive' | 'sendExpect'> {
  const texts = [send, expect].map(escaped);
  const [request = '', wanted = ''] = texts;
  if (!texts.every((text) => text === '' || isQuotable(text))) return {type: 'connect'};
  if (service.protocol === 'tcp' || service.fwmark > 0) {
    if (regex && !translatePosixRegex(wanted).ok) return {type: 'connect'};
    return {
      type: 'negotiate',
      sendExpect: {
        ...(request === '' ? {} : {send: request}),
        ...(wanted === '' ? {} : {expect: wanted}),
        regex: regex && wanted !== '',
      },
    };
  }
  const receive = regex ? wanted : wanted === '*' ? '.' : wanted === '' ? '' : `^${literally(expect)}`;
  if (receive === '' || !isQuotable(receive) || !translatePerlRegex(receive).ok) return {type: 'connect'};
  return {type: 'negotiate', service: 'simpletcp', receive, ...(request === '' ? {} : {request})};
}

/** Writes nanny's send_program as a checkcommand that compares the program's output with `expect`. */
function writeProgram(
  block: LvsBlock,
  program: Entry,
  expect: Entry | undefined,
  service: ServiceKey,
  context: VirtualContext,
): string {
  const {notes, scripts} = context;
  const name = freshName(scripts, `check-${fileWord(block.name)}-${service.port}`);
  const command = program.value.replaceAll('%h', '"$3"').replaceAll('%p', '"$4"');
  const expected = (expect?.value ?? '').replaceAll("'", "'\\''");
  const text = [
    '#!/bin/sh',
    `# Written by hactl import from send_program and expect of virtual ${fileWord(block.name)}.`,
    '# Arguments: VIP, VIP port, real server, real server port. Up if the output is exactly the expected text.',
    `output=$(${command})`,
    `[ "$output" = '${expected}' ]`,
    '',
  ].join('\n');
  scripts.push({name, text});
  notes.approximated(
    program.span,
    quote(program),
    `${name}: to nanny a program that fails or times out has passed; here it must print the expected text`,
  );
  if (expect) notes.exact(expect.span, quote(expect), `${name}: the output must equal it`);
  return name;
}
