/**
 * Debian's Tsung with what it needs of Erlang, and tsung_stats.pl with its template module. Without the package's plotters,
 * gnuplot and matplotlib, which would be hundreds of megabytes.
 */
import {makeTree} from './apt.ts';

const packages = [
  'tsung', 'erlang-base', 'erlang-asn1', 'erlang-crypto', 'erlang-eldap', 'erlang-inets', 'erlang-mnesia', 'erlang-os-mon',
  'erlang-public-key', 'erlang-runtime-tools', 'erlang-snmp', 'erlang-ssl', 'erlang-syntax-tools', 'erlang-xmerl',
  'libtemplate-perl',
]; // prettier-ignore

export interface Tsung {
  /** The unpacked tree. */
  readonly tree: string;
}

/** Fetches and unpacks the packages unless cached. */
export function prepareTsung(say: (line: string) => void): Tsung {
  const plan = {
    label: 'tsung',
    packages,
    recipe: [1],
    without: 'the drill takes Tsung from Debian 12',
  };
  return makeTree(plan, say, ({tree, step, fetchAlone, unpackAll}): Tsung => {
    step(`${packages.length} packages (20 MB)`, () => {
      for (const name of packages) fetchAlone(name);
    });
    unpackAll();
    return {tree};
  });
}
