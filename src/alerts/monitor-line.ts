/** ldirectord's monitorfile: one line for each check. Pure. */
import type {CheckReport} from '@hactl/checks';
import type {VirtualService} from '@hactl/config';
import type {RealView} from '../table/views.ts';

/** Characters that would break a line or a field. */
const escape = (text: string): string =>
  text.replace(
    /[%|\n\r]/g,
    (char) => `%${(char.codePointAt(0) ?? 0).toString(16).padStart(2, '0').toUpperCase()}`,
  );

/** `[time] [PID] REAL [up|down] text`. */
export function monitorLine(
  virtual: VirtualService,
  view: RealView,
  report: CheckReport,
  when: Date,
  pid: number,
): string {
  const {checkType, service} = virtual;
  const kind =
    checkType.kind === 'combined' || checkType.kind === 'negotiate'
      ? `${checkType.kind} ${service}`
      : checkType.kind;
  const protocol = virtual.address.kind === 'fwmark' ? 'fwm' : virtual.address.protocol;
  const {real} = view;
  const name = `${kind} ${protocol} ${real.address} ${real.port} ${virtual.virtualHost ?? ''} ${real.weight} ${real.method}`;
  return `[${when.toString().replace(/ GMT.*/, '')}] [${pid}] ${name.replace(/ +/g, ' ')} [${report.state}] ${escape(report.reason)}\n`;
}
