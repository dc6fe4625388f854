/** heartbeat's files with the `ucast` lines of both directors on both, and an address added after the start. */
import test from 'ava';
import {until} from '../lab/until.ts';
import {directTwo, LIMIT} from './director.fixture.ts';

interface Seen {
  readonly engine?: {
    readonly paths: readonly {readonly name: string; readonly hears: boolean; readonly heard: boolean}[];
  };
}

test.serial(
  'both ucast lines on both directors: a director skips its own, even if its address is added late',
  async (t) => {
    const {one, two} = await directTwo(t, 'kp', {
      before: '[ "$(basename $DIR)" = director2 ] || ip addr del 10.99.0.2/24 dev eth0',
      ha: 'ucast eth0 10.99.0.2\nucast eth0 10.99.0.3\n',
    });
    const look = async ({hactl}: typeof one): Promise<Seen> =>
      JSON.parse(await hactl('status', '--json')) as Seen;
    await until('it has a path to itself', LIMIT, async () => {
      const {engine} = await look(one).catch((): Seen => ({}));
      return engine?.paths.some(({name}) => name.includes('10.99.0.2'));
    });
    await one.site.run('director1', ['ip', 'addr', 'add', '10.99.0.2/24', 'dev', 'eth0']);
    const names = async (director: typeof one): Promise<readonly string[] | undefined> => {
      const {engine} = await look(director).catch((): Seen => ({}));
      const paths = engine?.paths ?? [];
      const areGood = paths.length > 0 && paths.every(({hears, heard}) => hears && heard);
      return areGood ? paths.map(({name}) => name) : undefined;
    };
    const good = await until('every path works both ways on both', LIMIT, async () => {
      const found = [await names(one), await names(two)];
      return found.every((paths) => paths !== undefined) ? found : undefined;
    });
    t.deepEqual(
      good.map((paths) => paths?.filter((name) => name.startsWith('ucast')).length),
      [1, 1],
    );
  },
);
