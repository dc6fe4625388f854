/** The real servers and the client of a drill: programs on their hosts, and the client's commands. */
import type {Program} from '../../lab/site.ts';
import {until} from '../../lab/until.ts';
import type {ClientCommand, ClientReport} from './frame.ts';
import {addressOf, reals, type Network} from './network.ts';
import {clientAddresses, services, VIP, VIP6, type Service} from './plan.ts';

const ANSWER_LIMIT = 600_000;

export type Load = Awaited<ReturnType<typeof startLoad>>;

/** Starts a server on every real server's host, and the client. */
export async function startLoad({site}: Pick<Network, 'site'>) {
  const program = (file: string): string[] => [site.node, `${site.checkout}/test/drill/sync/${file}`];
  const servers: Program[] = [];
  for (const real of reals) {
    const direct = real.startsWith('real');
    const mine = services.filter(({method}) => (method === 'gate') === direct);
    const ports = (protocol: string): string => [
      ...new Set(mine.filter((one) => one.protocol === protocol).map(({port}) => port)),
    ].join(','); // prettier-ignore
    servers.push(
      // oxlint-disable-next-line no-await-in-loop -- four programs.
      await site.start(
        real,
        [...program('echo.ts'), real, ports('tcp'), direct ? VIP : addressOf(real), ports('udp')],
        `${site.directory(real)}/${real}.log`,
      ),
    );
  }
  const client = await site.start('client', program('streams.ts'), `${site.directory('client')}/client.log`);
  await until('the real servers listen', ANSWER_LIMIT, async () => {
    const lists = await Promise.all(reals.map((real) => site.run(real, ['ss', '-Hltn'])));
    return lists.every(({stdout}) => stdout.includes(':700'));
  });

  const tell = async (command: ClientCommand): Promise<ClientReport> => {
    const at = client.lines.length;
    client.write(JSON.stringify(command));
    const line = await until(`the client has executed: ${command.do}`, ANSWER_LIMIT, () => {
      if (!client.running) throw new Error('the client has ended');
      return client.lines[at];
    });
    return JSON.parse(line) as ClientReport;
  };
  return {
    tell,
    /** Opens `count` more streams of a service. */
    open: (service: Service, count: number, interval: number) =>
      tell({
        do: 'open',
        service: service.name,
        protocol: service.protocol,
        host: service.family === 6 ? VIP6 : VIP,
        port: service.port,
        count,
        interval,
        ...(service.persistent === undefined ? {} : {from: clientAddresses, sticks: true}),
      }),
    stop: async () => {
      for (const one of [client, ...servers])
        // oxlint-disable-next-line no-await-in-loop -- five programs.
        await one.kill('SIGKILL', true);
    },
  };
}
