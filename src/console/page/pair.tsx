/** Global settings and Redundancy: the two directors, their timers, connection sync. */
import {useEffect, useState} from 'preact/hooks';
import {get, type ConfigView, type FileEdit, type Role} from './api.ts';
import {Field, Problem, useAction} from './parts.tsx';
import {Review} from './review.tsx';
import {syncResource} from './resources.ts';

interface PairField {
  readonly name: string;
  readonly label: string;
  readonly hint: string;
  readonly options?: readonly string[];
  /** Each line of the field is one line of the file. */
  readonly lines?: true;
}

const FIELDS: readonly PairField[] = [
  {name: 'node', label: 'Directors', hint: 'uname -n of both; changing them requires a restart'},
  {name: 'keepalive', label: 'Heartbeat interval', hint: '1s, 200ms'},
  {name: 'deadtime', label: 'Assume dead after', hint: 'silence before a takeover'},
  {name: 'warntime', label: 'Warn after', hint: 'silence before a warning is logged'},
  {name: 'initdead', label: 'Wait at boot', hint: 'for the peer, before acquiring resources'},
  {name: 'auto_failback', label: 'Automatic failback', hint: '', options: ['', 'on', 'off', 'legacy']},
  {
    name: 'hactl_sync',
    label: 'Connection sync',
    hint: 'LVS sync daemon',
    options: ['', 'multicast', 'relay', 'relay-encrypted'],
  },
  {name: 'hactl_sync_deadline', label: 'Wait for the peer’s connections', hint: 'maximum'},
  {name: 'hactl_preempt_delay', label: 'Preempt delay', hint: ''},
  {name: 'hactl_holddown', label: 'Hold-down', hint: 'minimum time between a move and a preemption'},
];

/** Heartbeat paths between the directors, and their ping nodes. */
const PATHS: readonly PairField[] = [
  {name: 'bcast', label: 'Broadcast', hint: 'interfaces: eth0 eth1'},
  {name: 'ping', label: 'Ping nodes', hint: 'addresses that a healthy director can reach'},
  {name: 'ucast', label: 'Unicast', hint: 'eth1 10.0.0.2, one per line', lines: true},
  {name: 'mcast', label: 'Multicast', hint: 'eth0 225.0.0.1 694 1 0, one per line', lines: true},
  {name: 'ping_group', label: 'Ping groups', hint: 'NAME and addresses, one group per line', lines: true},
];

export function Pair({role}: {role: Role}) {
  const [config, setConfig] = useState<ConfigView>();
  const [values, setValues] = useState<Record<string, string>>({});
  const [edits, setEdits] = useState<readonly FileEdit[]>();
  const {problem, run} = useAction();
  const load = () =>
    run(async () => {
      const found = await get<ConfigView>('/api/config');
      setConfig(found);
      setValues({...found.ha});
    });
  useEffect(() => void load(), []);
  const changes = (): FileEdit[] => [
    ...[...FIELDS, ...PATHS].flatMap(({name}): FileEdit[] => {
      const value = values[name] ?? '';
      if (value === (config?.ha[name] ?? '')) return [];
      return [{kind: 'ha', name, ...(value === '' ? {} : {value})}];
    }),
    ...(values.hactl_sync && values.hactl_sync !== config?.ha.hactl_sync && config && config.groups.length > 0
      ? syncResource(config.groups, (values.node ?? '').split(/\s+/)[0] ?? '')
      : []),
  ];
  return (
    <section>
      <h2>Pair</h2>
      <Problem text={problem} />
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const next = changes();
          if (next.length > 0) setEdits(next);
        }}
      >
        {(
          [
            ['ha.cf', FIELDS],
            ['Heartbeat paths and ping nodes', PATHS],
          ] as const
        ).map(([legend, fields]) => (
          <fieldset key={legend} class="columns" disabled={role !== 'admin' || !config}>
            <legend>{legend}</legend>
            {fields.map(({name, label, hint, options, lines}) => (
              <Field
                key={name}
                label={label}
                value={values[name] ?? ''}
                set={(value) => setValues({...values, [name]: value})}
                {...(hint === '' ? {} : {hint})}
                {...(options === undefined ? {} : {options})}
                {...(lines ? {lines} : {})}
              />
            ))}
          </fieldset>
        ))}
        {role === 'admin' ? (
          <button type="submit" class="primary">
            Review
          </button>
        ) : null}
      </form>
      <h3>haresources</h3>
      <pre tabIndex={0} aria-label="haresources">
        {config?.haresources ?? ''}
      </pre>
      {edits ? (
        <Review
          edits={edits}
          close={() => setEdits(undefined)}
          done={() => {
            setEdits(undefined);
            void load();
          }}
        />
      ) : null}
    </section>
  );
}
