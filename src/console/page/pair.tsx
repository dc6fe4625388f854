/** Global settings and Redundancy: the two directors, their timing, the sync of connections. */
import {useEffect, useState} from 'preact/hooks';
import {get, type ConfigView, type FileEdit, type Role} from './api.ts';
import {Field, Problem, useAction} from './parts.tsx';
import {Review} from './review.tsx';
import {hasGroup, syncResource} from './sync-resource.ts';

const FIELDS: readonly {name: string; label: string; hint: string; options?: readonly string[]}[] = [
  {name: 'node', label: 'Directors', hint: 'uname -n of both; a change needs a restart'},
  {name: 'keepalive', label: 'Heartbeat interval', hint: '1s, 200ms'},
  {name: 'deadtime', label: 'Assume dead after', hint: 'silence before a takeover'},
  {name: 'warntime', label: 'Warn after', hint: 'silence before the log says so'},
  {name: 'initdead', label: 'Wait at boot', hint: 'for the peer, before anything is taken'},
  {name: 'auto_failback', label: 'Automatic failback', hint: '', options: ['', 'on', 'off', 'legacy']},
  {
    name: 'hactl_sync',
    label: 'Connection sync',
    hint: 'LVS sync daemon',
    options: ['', 'multicast', 'relay', 'relay-encrypted'],
  },
  {name: 'hactl_sync_deadline', label: 'Wait for the peer’s connections', hint: 'at most'},
  {name: 'hactl_preempt_delay', label: 'Preempt delay', hint: ''},
  {name: 'hactl_holddown', label: 'Hold-down', hint: 'no preemption sooner after the last move'},
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
    ...FIELDS.flatMap(({name}): FileEdit[] => {
      const value = values[name] ?? '';
      if (value === (config?.ha[name] ?? '')) return [];
      return [{kind: 'ha', name, ...(value === '' ? {} : {value})}];
    }),
    ...(values.hactl_sync &&
    values.hactl_sync !== config?.ha.hactl_sync &&
    hasGroup(config?.haresources ?? '')
      ? syncResource(config?.haresources ?? '', (values.node ?? '').split(/\s+/)[0] ?? '')
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
        <fieldset class="columns" disabled={role !== 'admin' || !config}>
          <legend>ha.cf</legend>
          {FIELDS.map(({name, label, hint, options}) => (
            <Field
              key={name}
              label={label}
              value={values[name] ?? ''}
              set={(value) => setValues({...values, [name]: value})}
              {...(hint === '' ? {} : {hint})}
              {...(options === undefined ? {} : {options})}
            />
          ))}
        </fieldset>
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
