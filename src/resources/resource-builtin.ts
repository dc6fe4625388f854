/** Resources that need no script: MailTo, SendArp, Delay, IPsrcaddr. */
import {setTimeout as sleep} from 'node:timers/promises';
import {parseTime, type Resource} from '@hactl/config';
import {openAddresses, openAnnouncer, openSourceAddress, type SourceAddress} from '@hactl/net';
import type {Mail} from '../system/mail.ts';
import type {Log} from '../system/log.ts';
import type {Operation, Outcome} from './resource-machine.ts';

export const builtinKinds: ReadonlySet<string> = new Set(['MailTo', 'SendArp', 'Delay', 'IPsrcaddr']);

export interface BuiltinOptions {
  readonly node: string;
  readonly log: Log;
  readonly sendMail: (mail: Mail) => Promise<void>;
  /** Where the routes that IPsrcaddr replaced are saved in case this process dies. */
  readonly runDir: string;
}

type Deeds = Readonly<Record<Operation, (limit: number) => Promise<Outcome> | Outcome>>;

const fine: Outcome = {ok: true};
const down: Outcome = {ok: false, running: false, reason: 'not started'};
const SEND_ARP_ROUNDS = 5;
const SEND_ARP_PAUSE = 200;
/** resource-agents' Delay: starts after 20 s by default; stops after the configured delay, or 30 s. */
const DELAY_START = 20_000;
const DELAY_STOP = 30_000;

/** A failed mail must not keep the address from the clients. */
function mailTo({args: [to = '', subject = 'Resource Group']}: Resource, options: BuiltinOptions): Deeds {
  let reported = false;
  const send = async (what: string): Promise<Outcome> => {
    const text = `${subject} ${what} at ${new Date().toUTCString()} on ${options.node}`;
    const mail = {
      to: to.split(/[\s,]+/),
      from: 'root',
      subject: text,
      text: `${text}\n\nhactl on ${options.node}\n`,
    };
    await options
      .sendMail(mail)
      .catch((error: unknown) => options.log('warn', `MailTo::${to}: ${String(error)}`));
    return fine;
  };
  return {
    status: () => (reported ? fine : down),
    start: () => {
      reported = true;
      return send('Takeover in progress');
    },
    stop: () => {
      if (!reported) return fine;
      reported = false;
      return send('Migrating resource away');
    },
  };
}

function sendArp({args: [where = '']}: Resource): Deeds {
  const [address = '', device = ''] = where.split('/');
  let sent = false;
  const announce = async (): Promise<Outcome> => {
    const addresses = openAddresses();
    const link = addresses.links().find((link) => link.name === device);
    addresses.close();
    if (!link) return {ok: false, running: false, reason: `no interface ${device}`};
    const announcer = openAnnouncer();
    try {
      for (let round = 0; round < SEND_ARP_ROUNDS; round += 1) {
        const family = address.includes(':') ? 6 : 4;
        const problem = announcer.announce({family, address, index: link.index, mac: link.mac});
        if (problem !== undefined) return {ok: false, running: false, reason: problem};
        // oxlint-disable-next-line no-await-in-loop -- the pause between two rounds.
        await sleep(SEND_ARP_PAUSE);
      }
    } finally {
      announcer.close();
    }
    sent = true;
    return fine;
  };
  return {
    status: () => (sent ? fine : down),
    start: announce,
    stop: () => {
      sent = false;
      return fine;
    },
  };
}

function delay({args}: Resource): Deeds {
  const [start = DELAY_START, ...more] = args.map((word) => parseTime(word) ?? 0);
  const stop = more.at(-1) ?? (args.length > 0 ? start : DELAY_STOP);
  let waited = false;
  const wait = async (time: number, after: boolean): Promise<Outcome> => {
    await sleep(time);
    waited = after;
    return fine;
  };
  return {
    status: () => (waited ? fine : down),
    start: () => wait(start, true),
    stop: () => (waited ? wait(stop, false) : fine),
  };
}

function sourceAddress({args: [where = '']}: Resource, {runDir}: BuiltinOptions): Deeds {
  const address = where.split('/')[0] ?? '';
  let opened: SourceAddress | undefined;
  const use = (work: (source: SourceAddress) => Outcome): Outcome => {
    try {
      opened ??= openSourceAddress(address, `${runDir}/source-of-${address.replaceAll(':', '_')}.json`);
      return work(opened);
    } catch (error) {
      return {ok: false, running: false, reason: error instanceof Error ? error.message : String(error)};
    }
  };
  return {
    status: () =>
      use((source) =>
        source.inUse()
          ? fine
          : {ok: false, running: false, reason: `no default route has the source ${address}`},
      ),
    start: () =>
      use((source) => {
        source.start();
        return fine;
      }),
    stop: () =>
      use((source) => {
        source.stop();
        return fine;
      }),
  };
}

/** The agent of a built-in resource, with its state. */
export function makeBuiltin(
  resource: Resource,
  options: BuiltinOptions,
): (operation: Operation, limit: number) => Promise<Outcome> {
  const actions =
    resource.type === 'MailTo'
      ? mailTo(resource, options)
      : resource.type === 'SendArp'
        ? sendArp(resource)
        : resource.type === 'Delay'
          ? delay(resource)
          : sourceAddress(resource, options);
  return async (operation, limit) => actions[operation](limit);
}
