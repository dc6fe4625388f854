/** The rounds of keepalived's ~SEQ, ~SEQx and ~LST with their definitions. Pure. */

/** Maximum number of lines from definitions and sequences: a definition may contain itself. */
export const EXPANDED = 500_000;

export function sequenceRounds(list: string, isHexadecimal: boolean): [string, string][][] | undefined {
  const [name = '', ...rest] = list.split(',').map((word) => word.trim());
  const numbers = rest.map((word) =>
    /^[+-]?(0x[\da-f]+|0[0-7]*|[1-9]\d*)$/i.test(word)
      ? // Like strtol: a leading 0 means octal.
        Number(word.replace(/^[+-]/, '').replace(/^0(?=[0-7])/, '0o')) * (word.startsWith('-') ? -1 : 1)
      : NaN,
  );
  if (
    !/^[A-Za-z_]\w*$/.test(name) ||
    numbers.length === 0 ||
    numbers.length > 3 ||
    numbers.some(Number.isNaN)
  )
    return undefined;
  const end = numbers.at(-1) ?? 0;
  const start = numbers.length > 1 ? (numbers[0] ?? 0) : end < 0 ? -1 : 1;
  const step = numbers.length === 3 ? (numbers[1] ?? 1) : end >= start ? 1 : -1;
  if (step === 0 || (start < end && step < 0) || (start > end && step > 0)) return undefined;
  if (Math.abs((end - start) / step) > EXPANDED) return undefined;
  const rounds: [string, string][][] = [];
  for (let value = start; step > 0 ? value <= end : value >= end; value += step)
    rounds.push([[name, value.toString(isHexadecimal ? 16 : 10)]]);
  return rounds;
}

export function listRounds(list: string): [string, string][][] | undefined {
  const parts = [...list.matchAll(/\{([^}]*)\}|([^,\s][^,]*)/g)].map((match) =>
    (match[1] ?? match[2] ?? '').split(match[1] === undefined ? '\n' : ',').map((word) => word.trim()),
  );
  const [names, ...values] = parts;
  if (!names || values.length === 0 || names.some((name) => !/^[A-Za-z_]\w*$/.test(name))) return undefined;
  return values.map((row) => names.map((name, index) => [name, row[index] ?? '']));
}
