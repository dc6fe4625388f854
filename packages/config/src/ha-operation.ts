/** hactl's own ha.cf directives for operation: access groups, the user of the checks, notifications. Pure. */
import type {HaLine} from './ha-line.ts';
import type {HaConfig, HttpReceiver, OutsideAlerts} from './model.ts';

export const operationWords: readonly string[] = [
  'hactl_admin_group',
  'hactl_read_group',
  'hactl_check_user',
  'hactl_script_user',
  'hactl_webhook',
  'hactl_alert_command',
  'hactl_alert_gap',
  'hactl_otlp',
];

/** The default time between two calls of the same webhook or command; the same as for mails. */
const GAP = 10_000;

type Own = {
  -readonly [
    Key in 'alerts' | 'otlp' | 'adminGroup' | 'readGroup' | 'checkUser' | 'scriptUser'
  ]?: HaConfig['hactl'][Key];
};

/** `URL token=SECRET`: a receiver of notifications over HTTP; `whose` completes the diagnostic. */
function receiverOf(line: HaLine, whose: string): HttpReceiver | undefined {
  const url = URL.parse(line.value);
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    line.wrong(
      `"${line.value}" is not an address of ${whose}`,
      'write http://HOST/PATH or https://HOST/PATH',
    );
    return undefined;
  }
  const [, second, third] = line.rest;
  const token = /^token=(.+)$/.exec(second?.text ?? '')?.[1];
  const odd = third ?? (second && token === undefined ? second : undefined);
  if (odd) {
    line.wrong(`"${odd.text}" is not understood here`, `${line.name} URL token=SECRET`, odd.span);
    return undefined;
  }
  return {url: url.href, ...(token === undefined ? {} : {token})};
}

/** Parses one of them into `own`. */
export function parseOperation(line: HaLine, hactl: Own): void {
  const {value} = line;
  const set = (more: Partial<OutsideAlerts>): void => {
    hactl.alerts = {webhooks: [], commands: [], gap: GAP, ...hactl.alerts, ...more};
  };
  switch (line.name) {
    case 'hactl_admin_group':
      if (line.wants('GROUP')) hactl.adminGroup = value;
      return;
    case 'hactl_read_group':
      if (line.wants('GROUP')) hactl.readGroup = value;
      return;
    case 'hactl_check_user':
      if (line.wants('USER')) hactl.checkUser = value;
      return;
    case 'hactl_script_user':
      if (line.wants('USER')) hactl.scriptUser = value;
      return;
    case 'hactl_webhook': {
      const webhook = line.wants('URL token=SECRET') ? receiverOf(line, 'a webhook') : undefined;
      if (webhook) set({webhooks: [...(hactl.alerts?.webhooks ?? []), webhook]});
      return;
    }
    case 'hactl_alert_command':
      if (!line.wants('/PATH ARGUMENTS…')) return;
      if (value.startsWith('/'))
        set({commands: [...(hactl.alerts?.commands ?? []), line.rest.map(({text}) => text)]});
      else line.wrong(`"${value}" is not an absolute path`, 'write /usr/local/bin/tell-someone');
      return;
    case 'hactl_otlp': {
      const receiver = line.wants('URL token=SECRET') ? receiverOf(line, 'a collector') : undefined;
      if (receiver) hactl.otlp = receiver;
      return;
    }
    case 'hactl_alert_gap': {
      const gap = line.time();
      if (gap !== undefined) set({gap});
    }
  }
}
