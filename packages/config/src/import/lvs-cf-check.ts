/** nanny's check of one virtual of lvs.cf. Pure. */
import type {ForwardMethod} from '../model.ts';
import {translatePerlRegex, translatePosixRegex} from '@hactl/regex';
import type {Reporter, Resolver} from '../reader.ts';
import type {ImportedCheck, ImportedScript} from './imported.ts';
import type {Entry, LvsBlock} from './lvs-cf-lines.ts';
import {quote, type Keys} from './lvs-cf-values.ts';
import {fileWord, freshName, isQuotable, literally, type Notebook} from './words.ts';

export interface VirtualContext {
  readonly method: ForwardMethod;
  readonly resolve: Resolver;
  readonly reporter: Reporter;
  readonly book: Notebook;
  readonly scripts: ImportedScript[];
}

export interface Place {
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
  readonly fwmark: number;
}

/** What nanny sends and wants when nothing is configured for port 80; the web pages write it for every port. */
const webRequest = String.raw`GET / HTTP/1.0\r\n\r\n`;

/** nanny's check of the whole virtual. */
export function takeCheck(block: LvsBlock, keys: Keys, place: Place, context: VirtualContext): ImportedCheck {
  const {book} = context;
  const seconds = keys.number('timeout', 1, 86_400, 10);
  const timeout = keys.take('timeout');
  if (timeout)
    book.approximated(
      timeout.span,
      quote(timeout),
      'ldirectord.cf: checkinterval and checktimeout; nanny waits as long between two checks as for an answer',
    );
  const rise = Math.max(1, Math.ceil(keys.number('reentry', 0, 86_400, 180) / seconds));
  const reentry = keys.take('reentry');
  const back =
    rise > 1
      ? `ldirectord.cf: hactl_rise: ${rise} passed checks in a row before a server that was down is back`
      : 'a server that was down is back with its first passed check';
  if (reentry) book.exact(reentry.span, quote(reentry), back);
  else book.exact(block.span, `virtual ${block.name}`, `${back} (nanny’s own 180 s: no reentry is written)`);
  const monitor = keys.take('client_monitor');
  if (monitor)
    if (monitor.value === '/usr/sbin/nanny' || monitor.value === '')
      book.exact(monitor.span, quote(monitor), 'the checks are built in');
    else
      book.not(
        monitor.span,
        quote(monitor),
        'a monitor of your own: use checktype=external with a checkcommand',
      );
  const load = keys.take('load_monitor');
  if (load)
    if (load.value === 'none' || load.value === '') book.exact(load.span, quote(load), 'no load monitor');
    else book.not(load.span, quote(load), 'weights do not follow the load of a server');
  const base: Pick<ImportedCheck, 'interval' | 'timeout' | 'failures' | 'port' | 'rise'> = {
    interval: seconds * 1_000,
    timeout: seconds * 1_000,
    failures: 1,
    ...(rise > 1 ? {rise} : {}),
    ...(place.fwmark > 0 ? {port: place.port} : {}),
  };
  const [program, send, expect, regex] = ['send_program', 'send', 'expect', 'use_regex'].map((key) =>
    keys.take(key),
  );
  const isRegex = keys.flag('use_regex', false);
  if (program && program.value !== '') {
    if (send && send.value !== '')
      book.not(send.span, quote(send), 'nanny does not use it beside send_program');
    else if (send) book.exact(send.span, quote(send), 'nothing is sent');
    if (regex)
      if (isRegex)
        book.not(
          regex.span,
          quote(regex),
          'nanny does not use it with send_program: the output is compared as it is',
        );
      else book.exact(regex.span, quote(regex), 'the output is compared as it is');
    return {...base, type: 'external', script: takeProgram(block, program, expect, place, context)};
  }
  if (program) book.exact(program.span, quote(program), 'no program');
  const bare = !send?.value && !expect?.value;
  if (bare && (place.port !== 80 || place.protocol === 'udp')) {
    for (const entry of [send, expect, regex])
      if (entry) book.exact(entry.span, quote(entry), 'nothing is sent and nothing expected');
    return {...base, type: 'connect'};
  }
  if (bare)
    book.exact(
      block.span,
      `virtual ${block.name}`,
      `nanny’s own check of port 80 is written out: ${webRequest}, and an answer that starts with HTTP`,
    );
  const check = {
    ...base,
    ...textsOf(
      bare ? webRequest : (send?.value ?? ''),
      bare ? 'HTTP' : (expect?.value ?? ''),
      isRegex,
      place,
    ),
  };
  const lost = 'ldirectord.cf cannot hold it: the check only connects';
  const carried = check.type === 'negotiate';
  const simple = 'sendExpect' in check ? '' : '; nanny’s own comparison is for tcp';
  if (send && send.value !== '')
    if (!carried) book.not(send.span, quote(send), lost);
    else if (simple === '') book.exact(send.span, quote(send), 'ldirectord.cf: hactl_send');
    else book.approximated(send.span, quote(send), `ldirectord.cf: request of service=simpletcp${simple}`);
  if (expect && expect.value !== '')
    if (!carried) book.not(expect.span, quote(expect), lost);
    else if (simple === '')
      book.exact(
        expect.span,
        quote(expect),
        isRegex
          ? 'ldirectord.cf: hactl_expect, a POSIX expression'
          : 'ldirectord.cf: hactl_expect, the beginning of the answer',
      );
    else
      book.approximated(expect.span, quote(expect), `ldirectord.cf: receive of service=simpletcp${simple}`);
  if (regex)
    book.exact(
      regex.span,
      quote(regex),
      isRegex ? 'ldirectord.cf: hactl_expect_regex' : 'the text is compared as it is',
    );
  return check;
}

/** A text between double quotes; what they cannot hold is written as an escape, which both kinds of text know. */
const escaped = (text: string): string => text.replaceAll('"', String.raw`\x22`);

/** nanny's two texts: as they are over tcp, as simpletcp's over udp; a connection alone when a text cannot be held. */
function textsOf(
  send: string,
  expect: string,
  regex: boolean,
  place: Place,
): Pick<ImportedCheck, 'type' | 'service' | 'request' | 'receive' | 'sendExpect'> {
  const texts = [send, expect].map(escaped);
  const [request = '', wanted = ''] = texts;
  if (!texts.every((text) => text === '' || isQuotable(text))) return {type: 'connect'};
  if (place.protocol === 'tcp' || place.fwmark > 0) {
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

/** nanny's send_program as a checkcommand: the program's output against `expect`. */
function takeProgram(
  block: LvsBlock,
  program: Entry,
  expect: Entry | undefined,
  place: Place,
  context: VirtualContext,
): string {
  const {book, scripts} = context;
  const name = freshName(scripts, `check-${fileWord(block.name)}-${place.port}`);
  const command = program.value.replaceAll('%h', '"$3"').replaceAll('%p', '"$4"');
  const wanted = (expect?.value ?? '').replaceAll("'", "'\\''");
  const text = [
    '#!/bin/sh',
    `# Written by hactl import from send_program and expect of virtual ${fileWord(block.name)}.`,
    '# Arguments: VIP, its port, the real server, its port. Up when the output is exactly what is expected.',
    `output=$(${command})`,
    `[ "$output" = '${wanted}' ]`,
    '',
  ].join('\n');
  scripts.push({name, text});
  book.approximated(
    program.span,
    quote(program),
    `${name}: nanny counts a program that fails or takes too long as passed; here it must print what is expected`,
  );
  if (expect) book.exact(expect.span, quote(expect), `${name}: the output must be exactly this`);
  return name;
}
