/** Control / Monitoring: groups, heartbeat paths, the IPVS table with its connections, processes, one-click drain. */
import {useState} from 'preact/hooks';
import {post, type Live, type Role, type StatusSnapshot} from './api.ts';
import {ago, Dialog, Field, Problem, Table, Tag, useAction, type Tone} from './parts.tsx';
import {Plot} from './plot.tsx';

type Virtual = StatusSnapshot['virtuals'][number];
type Real = Virtual['reals'][number];

const toneOf: Readonly<Record<Real['check'], Tone>> = {
  up: 'good',
  down: 'bad',
  unknown: 'warn',
  fallback: 'quiet',
  foreign: 'quiet',
};

function Groups({status}: {status: StatusSnapshot}) {
  const {engine} = status;
  if (!engine) return <p>A single director (no ha.cf): there are no groups to move.</p>;
  return (
    <Table caption="Groups" head={['Group', 'Here', 'Addresses', 'Preferred on']}>
      {engine.groups.map((group) => (
        <tr key={group.name}>
          <th scope="row">{group.name}</th>
          <td>
            <Tag tone={group.role === 'Active' ? 'good' : 'quiet'}>{group.role}</Tag>
          </td>
          <td>
            {group.vips.map((vip) => (
              <div key={vip.address}>
                {vip.address} <small>{vip.held ? `on ${vip.device}` : 'not here'}</small>
              </div>
            ))}
          </td>
          <td>{group.preferredNode}</td>
        </tr>
      ))}
    </Table>
  );
}

function Paths({status}: {status: StatusSnapshot}) {
  const {engine} = status;
  if (!engine) return null;
  return (
    <>
      <p>
        {engine.peers.map((peer) => (
          <span key={peer.name}>
            Peer {peer.name}: <Tag tone={peer.state === 'up' ? 'good' : 'bad'}>{peer.state}</Tag>{' '}
            <small>heard {ago(peer.lastHeardAgo)} ago</small>{' '}
          </span>
        ))}
      </p>
      <Table caption="Heartbeat paths" head={['Path', 'Hears the peer', 'Is heard', 'Received', 'Sent']}>
        {engine.paths.map((path) => (
          <tr key={path.name}>
            <th scope="row">{path.name}</th>
            <td>
              <Tag tone={path.hears ? 'good' : 'bad'}>{path.hears ? 'yes' : 'no'}</Tag>
            </td>
            <td>
              <Tag tone={path.heard ? 'good' : 'bad'}>{path.heard ? 'yes' : 'no'}</Tag>
            </td>
            <td class="number">{path.received}</td>
            <td class="number">{path.sent}</td>
          </tr>
        ))}
      </Table>
    </>
  );
}

/** The override form of one real server. */
function Override(props: {virtual: Virtual; real: Real; close: () => void}) {
  const {virtual, real, close} = props;
  const [reason, setReason] = useState('');
  const [weight, setWeight] = useState(String(real.weight ?? real.configuredWeight));
  const {busy, problem, run} = useAction();
  const order = (action: string, more: object = {}) =>
    run(async () => {
      await post('/api/orders', {
        action,
        reals: [real.name],
        virtual: virtual.name,
        ...(reason === '' ? {} : {reason}),
        ...more,
      });
      close();
    });
  return (
    <Dialog title={`${real.name} of ${virtual.name}`} close={close}>
      <p>
        {real.activeConnections} active connections, check: {real.reason || real.check}
      </p>
      <Field label="Reason" value={reason} set={setReason} hint="shown in hactl status" />
      <Problem text={problem} />
      <div class="buttons">
        <button type="button" disabled={busy} onClick={() => void order('drain')}>
          Drain
        </button>
        <button type="button" disabled={busy} onClick={() => void order('undrain')}>
          Undrain
        </button>
        <button type="button" disabled={busy} onClick={() => void order('maintenance-on')}>
          Maintenance on
        </button>
        <button type="button" disabled={busy} onClick={() => void order('maintenance-off')}>
          Maintenance off
        </button>
      </div>
      <Field label="Weight" type="number" value={weight} set={setWeight} />
      <button type="button" disabled={busy} onClick={() => void order('weight', {weight: Number(weight)})}>
        Set weight
      </button>
    </Dialog>
  );
}

function ServiceCard({virtual, role, query}: {virtual: Virtual; role: Role; query: string}) {
  const [chosen, choose] = useState<string>();
  const real = virtual.reals.find(({name}) => name === chosen);
  const shown = virtual.reals.filter(({name}) => virtual.name.includes(query) || name.includes(query));
  return (
    <section class="card">
      <h3>
        {virtual.name} <small>{virtual.scheduler}</small>{' '}
        {virtual.inKernel ? null : <Tag tone="bad">not in the kernel</Tag>}
      </h3>
      <Table
        caption={`Real servers of ${virtual.name}`}
        head={['Real server', 'Method', 'Weight', 'Active', 'Inactive', 'Check', 'Last check', 'Override']}
      >
        {shown.map((server) => (
          <tr key={server.name}>
            <th scope="row">{server.name}</th>
            <td>{server.method}</td>
            <td class="number">{server.weight ?? '–'}</td>
            <td class="number">{server.activeConnections}</td>
            <td class="number">{server.inactiveConnections}</td>
            <td>
              <Tag tone={toneOf[server.check]}>{server.check}</Tag>
            </td>
            <td class="reason">{server.reason}</td>
            <td>
              {role === 'viewer' || server.check === 'fallback' ? null : (
                <button
                  type="button"
                  class="small"
                  onClick={() => choose(server.name)}
                  aria-label={`Override ${server.name}`}
                >
                  …
                </button>
              )}
            </td>
          </tr>
        ))}
      </Table>
      <Plot
        title={`Active connections of ${virtual.name}`}
        series={virtual.reals.map(({name}) => ({key: `${virtual.name} ${name}`, label: name}))}
      />
      {real ? <Override virtual={virtual} real={real} close={() => choose(undefined)} /> : null}
    </section>
  );
}

function Moves({role}: {role: Role}) {
  const [said, say] = useState('');
  const {busy, problem, run} = useAction();
  if (role === 'viewer') return null;
  const move = (name: string) =>
    run(async () => {
      say('');
      const done = await post<{ok: boolean; reason: string; outage?: number}>('/api/move', {
        move: name,
        scope: 'all',
      });
      const cost =
        done.outage === undefined ? '' : `, nobody held the address for ${done.outage.toFixed(1)} ms`;
      if (!done.ok) throw new Error(`${name} refused: ${done.reason}`);
      say(`${name}: ${done.reason}${cost}`);
    });
  return (
    <div class="buttons" role="group" aria-label="Planned moves">
      {['standby', 'takeover', 'failback'].map((name) => (
        <button key={name} type="button" disabled={busy} onClick={() => void move(name)}>
          {name}
        </button>
      ))}
      <span aria-live="polite">{busy ? 'moving …' : said}</span>
      <Problem text={problem} />
    </div>
  );
}

export function Monitor({live, role}: {live: Live; role: Role}) {
  const [query, setQuery] = useState('');
  if (!live.ok)
    return (
      <section>
        <h2>Monitor</h2>
        <p class="problem">The daemon is unreachable: {live.reason}</p>
      </section>
    );
  const {status} = live;
  const services = status.virtuals.filter(
    ({name, reals}) => name.includes(query) || reals.some((real) => real.name.includes(query)),
  );
  return (
    <section>
      <h2>
        {status.node}{' '}
        <small>
          up {ago(status.uptime)}, hactl {status.daemonVersion}
        </small>
      </h2>
      <p>
        <Tag tone={status.ready.ready ? 'good' : 'warn'}>{status.ready.ready ? 'ready' : 'not ready'}</Tag>{' '}
        <small>{status.ready.reason}</small>
      </p>
      {status.problems.map((problem) => (
        <p class="problem" key={problem}>
          {problem}
        </p>
      ))}
      <Groups status={status} />
      <Moves role={role} />
      <Paths status={status} />
      <p>
        Connection sync:{' '}
        {status.sync.report
          ? `${status.sync.report.here} connections here, ${status.sync.report.missingHere} missing: ${status.sync.report.reason}`
          : (status.sync.problem ?? 'off')}
      </p>
      <h2>Services</h2>
      <Field label="Search services and real servers" value={query} set={setQuery} />
      {services.length === 0 ? <p>No services configured, or none matches.</p> : null}
      {services.map((virtual) => (
        <ServiceCard key={virtual.name} virtual={virtual} role={role} query={query} />
      ))}
      <Table caption="Processes" head={['Process', 'State', 'Pid', 'Restarts', 'Spare']}>
        {status.processes.map((process) => (
          <tr key={process.name}>
            <th scope="row">{process.name}</th>
            <td>
              <Tag tone={process.state === 'running' ? 'good' : 'bad'}>{process.state}</Tag>
            </td>
            <td class="number">{process.pid ?? '–'}</td>
            <td class="number">{process.restarts}</td>
            <td>{process.spare ?? '–'}</td>
          </tr>
        ))}
      </Table>
    </section>
  );
}
