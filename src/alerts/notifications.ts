/** Carries out the decisions of the alerts slice: mails, webhooks and commands, fallback commands, lines of monitor files. */
import type {Clock} from '@hactl/base';
import {appendLater} from '@hactl/base/files';
import type {OutsideAlerts} from '@hactl/config';
import type {Log} from '../system/log.ts';
import type {Mail} from '../system/mail.ts';
import {makeCommandQueue} from '../system/shell.ts';
import {monitorLine} from './monitor-line.ts';
import type {Census} from './notices.ts';
import {makeNotifier} from './notify.ts';
import type {AlertsEffect} from './slice.ts';
import {LAST_MAIL_LIMIT_MS} from '../system/limits.ts';

type Outward = Exclude<AlertsEffect, {type: 'ask-reports'}>;

/** ldirectord's: the umask takes what it takes. */
const MONITOR_MODE = 0o666;

export interface Notifications {
  /** Applies the webhooks and commands of a configuration. */
  configure(outside: OutsideAlerts | undefined): void;
  perform(effect: Outward): void;
  /** Resolves when everything is sent and run, or after a few seconds. */
  stop(): Promise<void>;
}

export function openNotifications(options: {
  readonly clock: Clock;
  readonly log: Log;
  readonly node: string;
  readonly sendMail: (mail: Mail) => Promise<void>;
}): Notifications {
  const {clock, log, node} = options;
  let census: readonly Census[] = [];
  const notifier = makeNotifier({clock, log, node, census: () => census});
  const commands = makeCommandQueue(log);
  const mails = new Set<Promise<void>>();

  async function send(mail: Mail): Promise<void> {
    try {
      await options.sendMail(mail);
      log('info', `emailalert: ${mail.subject}`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log('error', `cannot send mail to ${mail.to.join(', ')}: ${reason} (${mail.subject})`);
    }
  }

  function monitor({file, entries}: Extract<Outward, {type: 'monitor'}>): void {
    const when = new Date(clock.wall());
    const lines = entries.map(({virtual, view, report}) =>
      monitorLine(virtual, view, report, when, process.pid),
    );
    void appendLater(file, lines.join(''), MONITOR_MODE).catch((error: unknown) =>
      log('error', `monitorfile ${file}: ${String(error)}`),
    );
  }

  return {
    configure: (outside) => notifier.configure(outside),
    perform: (effect) => {
      switch (effect.type) {
        case 'mail': {
          const sent = send(effect.mail).finally(() => mails.delete(sent));
          mails.add(sent);
          return;
        }
        case 'notify':
          census = effect.census ?? census;
          return notifier.tell(effect.notices);
        case 'fallback-command':
          return void commands.shell(effect.virtual, effect.line);
        case 'monitor':
          return monitor(effect);
      }
    },
    stop: async () => {
      const limit = new Promise((resolve) => setTimeout(resolve, LAST_MAIL_LIMIT_MS).unref());
      await Promise.race([Promise.all([...mails, commands.idle(), notifier.stop()]), limit]);
    },
  };
}
