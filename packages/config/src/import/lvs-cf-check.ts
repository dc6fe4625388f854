/** nanny's check of a virtual service of lvs.cf. Pure. */
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

/** nanny's default request for port 80; Piranha's web interface writes it for every port. */
const webRequest = String.raw`GET / HTTP/1.0\r\n\r\n`;

/** Converts nanny's check to the check of the virtual service. */
export function takeCheck(block: LvsBlock, keys: Keys, place: Place, context: VirtualContext): ImportedCheck {
  const {book} = context;
  const seconds = keys.number('timeout', 1, 86_400, 10);
  const timeout = keys.take('timeout');
  if (timeout)
    book.approximated(
      timeout.span,
      quote(timeout),
      'ldirectord.cf: checkinterval and checktimeout; nanny uses it for both',
    );
  const rise = Math.max(1, Math.ceil(keys.number('reentry', 0, 86_400, 180) / seconds));
  const reentry = keys.take('reentry');
  const back =
    rise > 1
      ? `ldirectord.cf: hactl_rise: a failed server returns after ${rise} consecutive passed checks`
      : 'a failed server returns with its first passed check';
  if (reentry) book.exact(reentry.span, quote(reentry), back);
  else
    book.exact(block.span, `virtual ${block.name}`, `${back} (no reentry is set: nanny’s default of 180 s)`);
  const monitor = keys.take('client_monitor');
  if (monitor)
    if (monitor.value === '/usr/sbin/nanny' || monitor.value === '')
      book.exact(monitor.span, quote(monitor), 'the checks are built in');
    else book.not(monitor.span, quote(monitor), 'custom monitor: use checktype=external with a checkcommand');
  const load = keys.take('load_monitor');
  if (load)
    if (load.value === 'none' || load.value === '') book.exact(load.span, quote(load), 'no load monitor');
    else book.not(load.span, quote(load), 'weights do not follow the server’s load');
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
    if (send && send.value !== '') book.not(send.span, quote(send), 'nanny ignores it with send_program');
    else if (send) book.exact(send.span, quote(send), 'nothing is sent');
    if (regex)
      if (isRegex)
        book.not(
          regex.span,
          quote(regex),
          'nanny ignores it with send_program: the output is compared literally',
        );
      else book.exact(regex.span, quote(regex), 'the output is compared literally');
    return {...base, type: 'external', script: takeProgram(block, program, expect, place, context)};
  }
  if (program) book.exact(program.span, quote(program), 'no program');
  const bare = !send?.value && !expect?.value;
  if (bare && (place.port !== 80 || place.protocol === 'udp')) {
    for (const entry of [send, expect, regex])
      if (entry) book.exact(entry.span, quote(entry), 'nothing is sent or expected');
    return {...base, type: 'connect'};
  }
  if (bare)
    book.exact(
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
      place,
    ),
  };
  const lost = 'cannot be written in ldirectord.cf: the check only connects';
  const carried = check.type === 'negotiate';
  const simple = 'sendExpect' in check ? '' : '; nanny’s comparison is available for tcp only';
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
          ? 'ldirectord.cf: hactl_expect, a POSIX regular expression'
          : 'ldirectord.cf: hactl_expect, compared with the beginning of the answer',
      );
    else
      book.approximated(expect.span, quote(expect), `ldirectord.cf: receive of service=simpletcp${simple}`);
  if (regex)
    book.exact(
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

/** Writes nanny's send_program as a checkcommand that compares the program's output with `expect`. */
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
    '# Arguments: VIP, VIP port, real server, real server port. Up if the output is exactly the expected text.',
    `output=$(${command})`,
    `[ "$output" = '${wanted}' ]`,
    '',
  ].join('\n');
  scripts.push({name, text});
  book.approximated(
    program.span,
    quote(program),
    `${name}: to nanny a program that fails or times out has passed; here it must print the expected text`,
  );
  if (expect) book.exact(expect.span, quote(expect), `${name}: the output must equal it`);
  return name;
}
