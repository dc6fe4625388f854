/** ha.cf's `hactl_resource NAME|TYPE|* start-timeout=60 … warm|cold`: how resources are supervised. Pure. */
import type {HaLine} from './ha-line.ts';
import type {ResourceRule} from './model.ts';
import {parseTime} from './units.ts';

type Rule = {-readonly [Key in keyof ResourceRule]: ResourceRule[Key]};

/** The words that take a time, and their names in the model. */
const times = {
  'start-timeout': 'startTimeout',
  'stop-timeout': 'stopTimeout',
  'status-timeout': 'statusTimeout',
  monitor: 'monitor',
  holdoff: 'holdOff',
} as const;

const FORM =
  'start-timeout=TIME stop-timeout=TIME status-timeout=TIME monitor=TIME|off restarts=COUNT/TIME holdoff=TIME warm|cold';

/** Parses one line; an unknown word is reported with its position, and the rest of the line still applies. */
export function parseResourceRule(line: HaLine): ResourceRule | undefined {
  if (!line.wants(`NAME|TYPE|* ${FORM}`, 2)) return undefined;
  const rule: Rule = {match: line.value};
  for (const word of line.rest.slice(1)) {
    const [key = '', value = ''] = word.text.split('=', 2);
    const wrong = (message: string): void => line.wrong(message, FORM, word.span);
    if (word.text === 'warm' || word.text === 'cold') rule.warm = word.text === 'warm';
    else if (word.text === 'monitor=off') rule.monitor = 0;
    else if (key === 'restarts') {
      const [count = '', within = ''] = value.split('/', 2);
      const span = parseTime(within);
      if (!/^\d+$/.test(count) || span === undefined)
        wrong(`"${value}" is not a number of restarts and a time window, such as 3/600`);
      else rule.restarts = {count: Number(count), within: span};
    } else if (key in times) {
      const time = parseTime(value);
      if (time === undefined) wrong(`"${value}" is not a time`);
      else if (time < 100 && key !== 'holdoff') wrong(`${key} must be at least 100ms`);
      else rule[times[key as keyof typeof times]] = time;
    } else wrong(`"${word.text}" is not a setting of a resource`);
  }
  return rule;
}
