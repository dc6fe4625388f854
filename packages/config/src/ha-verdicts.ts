/**
 * ha.cf's directives of ours for verdicts on real servers: recovery, flapping, slow start, quorum, and when
 * a certificate is about to expire. Pure.
 */
import type {HaLine} from './ha-line.ts';
import type {HaConfig, VerdictSettings} from './model.ts';
import {parseTime} from './units.ts';

export const verdictWords: readonly string[] = [
  'hactl_rise',
  'hactl_flap_damping',
  'hactl_slow_start',
  'hactl_quorum',
  'hactl_dynamic_weight',
  'hactl_cert_days',
];

/** The default of `hactl_cert_days`. */
export const CERT_DAYS = 14;

const DAMPING_FORM = 'SUPPRESS REUSE HALF-LIFE, such as 3 1 60s';

/** Parses one of them into `own`. */
export function parseVerdict(line: HaLine, hactl: {verdicts?: HaConfig['hactl']['verdicts']}): void {
  const {value} = line;
  const set = (more: Partial<VerdictSettings>): void => {
    hactl.verdicts = {
      rise: 1,
      slowStart: 0,
      dynamicWeight: false,
      certDays: CERT_DAYS,
      ...hactl.verdicts,
      ...more,
    };
  };
  switch (line.name) {
    case 'hactl_rise': {
      if (!line.wants('COUNT')) return;
      const rise = Number(value);
      if (Number.isInteger(rise) && rise >= 1 && rise <= 100) set({rise});
      else line.wrong(`"${value}" is not a count of passed checks`, 'a whole number from 1 to 100');
      return;
    }
    case 'hactl_flap_damping': {
      if (!line.wants(DAMPING_FORM, 3)) return;
      const [suppress, reuse] = [Number(value), Number(line.rest[1]?.text)];
      const halfLife = parseTime(line.rest[2]?.text ?? '');
      if (!(suppress > 1 && suppress <= 1_000))
        line.wrong(`"${value}" is not a penalty: it must be above 1`, `the form is ${DAMPING_FORM}`);
      else if (!(reuse > 0 && reuse < suppress))
        line.wrong(
          'REUSE must lie between 0 and SUPPRESS',
          `the form is ${DAMPING_FORM}`,
          line.rest[1]?.span,
        );
      else if (halfLife === undefined || halfLife <= 0)
        line.wrong('the half-life is not a time', `the form is ${DAMPING_FORM}`, line.rest[2]?.span);
      else set({damping: {suppress, reuse, halfLife}});
      return;
    }
    case 'hactl_slow_start': {
      const slowStart = line.time();
      if (slowStart !== undefined) set({slowStart});
      return;
    }
    case 'hactl_quorum': {
      if (!line.wants('COUNT or PERCENT%')) return;
      const [, digits, sign] = /^(\d+)(%?)$/.exec(value) ?? [];
      const count = Number(digits);
      const percent = sign === '%';
      if (digits !== undefined && count >= 1 && (!percent || count <= 100)) set({quorum: {count, percent}});
      else line.wrong(`"${value}" is not a quorum`, 'a number of real servers, 2, or a share of them, 50%');
      return;
    }
    case 'hactl_cert_days': {
      if (!line.wants('DAYS')) return;
      const certDays = Number(value);
      if (/^\d{1,3}$/.test(value)) set({certDays});
      else
        line.wrong(`"${value}" is not a number of days`, 'a whole number from 0 (never) to 999, such as 14');
      return;
    }
    case 'hactl_dynamic_weight': {
      const dynamicWeight = line.boolean();
      if (dynamicWeight !== undefined) set({dynamicWeight});
    }
  }
}
