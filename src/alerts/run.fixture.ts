/** The alerts slice and its drivers, with verdicts and roles set by the test. */
import {systemClock} from '@hactl/base';
import type {CheckReport} from '@hactl/checks';
import type {LdirectordConfig, OutsideAlerts} from '@hactl/config';
import type {Mail} from '../system/mail.ts';
import {viewsOf} from '../table/views.ts';
import {openNotifications} from './notifications.ts';
import {initialAlerts, nextAlertsDeadline, looksAt, reduceAlerts, type AlertsEvent} from './slice.ts';

export function runAlerts(options: {
  readonly files: readonly LdirectordConfig[];
  readonly outside?: OutsideAlerts;
  readonly log?: (level: string, message: string) => void;
  readonly sendMail?: (mail: Mail) => Promise<void>;
  readonly judged: () => ReadonlyMap<string, CheckReport>;
  readonly acting?: () => boolean;
}) {
  const {files, outside, judged, acting = () => true} = options;
  const clock = systemClock;
  const notifications = openNotifications({
    clock,
    log: options.log ?? (() => undefined),
    node: 'lvs1',
    sendMail: options.sendMail ?? (() => Promise.resolve()),
  });
  notifications.configure(outside);
  let state = initialAlerts('lvs1', files, outside !== undefined, clock.now());
  let timer: NodeJS.Timeout | undefined;
  const views = () => viewsOf(files, judged(), {}, acting);
  const feed = (event: AlertsEvent): void => {
    const [next, effects] = reduceAlerts(state, event, {now: clock.now(), wall: clock.wall()});
    state = next;
    for (const effect of effects) if (effect.type !== 'ask-reports') notifications.perform(effect);
    clearTimeout(timer);
    const due = nextAlertsDeadline(state);
    if (due < Infinity) timer = setTimeout(tick, Math.max(0, due - clock.now()));
  };
  const tick = (): void => {
    if (clock.now() >= looksAt(state)) feed({type: 'look', views: views()});
    feed({type: 'tick'});
  };
  return {
    look: (): void => feed({type: 'look', views: views()}),
    fresh: (reports: readonly CheckReport[]): void => feed({type: 'fresh-reports', reports, views: views()}),
    stop: async (): Promise<void> => {
      feed({type: 'last-words', views: views()});
      clearTimeout(timer);
      await notifications.stop();
    },
  };
}
