/** `hactl_resource` lines → how one resource is supervised. Pure. */
import type {Millis} from '@hactl/base';
import {isOcf, type Resource, type ResourceRule} from '@hactl/config';
import type {ResourceSettings} from './resource-machine.ts';

export type SupervisedSettings = ResourceSettings & {
  /** Runs on both directors all the time. */
  readonly warm: boolean;
  /** Initial hold-off of a group moved away because of it. */
  readonly holdOff: Millis;
};

const defaults = {
  startTimeout: 60_000,
  stopTimeout: 60_000,
  /** heartbeat's pause. */
  stopPause: 1_000,
  statusTimeout: 20_000,
  monitor: 10_000,
  restarts: {count: 3, within: 600_000},
  warm: false,
  holdOff: 60_000,
};

/** They have nothing that could end. */
const momentary = new Set(['MailTo', 'SendArp', 'Delay']);

/** A resource as written in haresources. */
export const resourceName = ({type, args}: Resource): string => [type, ...args].join('::');

/** Later lines override earlier ones; a line applies to a name, a type, or all. */
export function settingsOf(resource: Resource, rules: readonly ResourceRule[]): SupervisedSettings {
  const names = ['*', resource.type, resourceName(resource)];
  const applying = rules.filter(({match}) => names.includes(match));
  const {match: _, ...said} = Object.assign({match: ''}, defaults, ...applying) as typeof defaults & {
    match: string;
  };
  const exact = isOcf(resource.type) || ['OCF', 'systemd', 'IPsrcaddr'].includes(resource.type);
  return {...said, exact, ...(momentary.has(resource.type) ? {monitor: 0} : {})};
}

const HOLD_OFF_MAX: Millis = 3_600_000;

/** Each consecutive failure of a group doubles its hold-off. */
export const holdOffAfter = (first: Millis, failures: number): Millis =>
  Math.min(Math.max(first, HOLD_OFF_MAX), first * 2 ** Math.max(0, failures - 1));
