/** The form of a virtual server: address, real servers and monitoring, arranged as in Piranha. */
import {useState} from 'preact/hooks';
import type {ConfigView, FileEdit, Service, Setting} from './api.ts';
import {Dialog, Field} from './parts.tsx';
import {addressOf, isHeld, resourcesFor} from './resources.ts';
import {Review} from './review.tsx';

const SCHEDULERS = [
  '',
  'rr',
  'wrr',
  'lc',
  'wlc',
  'lblc',
  'lblcr',
  'dh',
  'sh',
  'sed',
  'nq',
  'mh',
  'fo',
  'ovf',
];
const SERVICES = ['', 'http', 'https', 'http_proxy', 'smtp', 'submission', 'pop', 'pops', 'imap', 'imaps', 'ftp', 'nntp', 'ldap', 'ldaps', 'mysql', 'pgsql', 'dns', 'sip', 'radius', 'simpletcp', 'none']; // prettier-ignore
const CHECKS = ['', 'negotiate', 'connect', 'external', 'ping', 'on', 'off'];

/** The fields of the form, in Piranha's order; each is one directive. */
const FIELDS: readonly {
  name: string;
  label: string;
  hint?: string;
  options?: readonly string[];
  type?: 'password';
  /** Quoted in the file, shown without quotes. */
  quoted?: true;
}[] = [
  {name: 'protocol', label: 'Protocol', options: ['', 'tcp', 'udp', 'fwm']},
  {name: 'scheduler', label: 'Scheduler', options: SCHEDULERS},
  {name: 'persistent', label: 'Persistence', hint: 'seconds a client stays on its real server'},
  {name: 'netmask', label: 'Persistence netmask'},
  {
    name: 'quiescent',
    label: 'Quiesce server',
    options: ['', 'yes', 'no'],
    hint: 'yes: a failed real server keeps its connections',
  },
  {name: 'fallback', label: 'Fallback server', hint: '127.0.0.1:80 gate'},
  {name: 'service', label: 'Monitored service', options: SERVICES},
  {name: 'checktype', label: 'Check type', options: CHECKS},
  {name: 'checkport', label: 'Check port'},
  {name: 'request', label: 'Request', hint: 'sent by a negotiate check', quoted: true},
  {name: 'receive', label: 'Receive', hint: 'regular expression expected in the answer', quoted: true},
  {name: 'virtualhost', label: 'Virtual host'},
  {
    name: 'hactl_send_program',
    label: 'Sending program',
    hint: '/root/mysql_mon.sh %h: run for each check, must print the expected text',
    quoted: true,
  },
  {name: 'hactl_send', label: 'Send', hint: 'GET / HTTP/1.0\\r\\n\\r\\n', quoted: true},
  {name: 'hactl_expect', label: 'Expect', hint: 'how the answer must begin', quoted: true},
  {
    name: 'hactl_expect_regex',
    label: 'Expect is a regular expression',
    options: ['', 'yes', 'no'],
  },
  {name: 'checkcommand', label: 'Check command', hint: 'for check type external'},
  {name: 'login', label: 'Login', quoted: true},
  {name: 'passwd', label: 'Password', type: 'password', quoted: true},
  {name: 'database', label: 'Database', quoted: true},
  {name: 'checkinterval', label: 'Check interval', hint: 'seconds; Piranha’s re-entry time'},
  {name: 'checktimeout', label: 'Service timeout', hint: 'seconds to wait for an answer'},
];

const quoted: ReadonlySet<string> = new Set(FIELDS.flatMap((field) => (field.quoted ? [field.name] : [])));

/** A `virtual6` service has `real6` and `fallback6`. */
const isNamed = (line: Setting, name: string): boolean => line.name === name || line.name === `${name}6`;
export const realsOf = (lines: readonly Setting[]): string[] =>
  lines.filter((line) => isNamed(line, 'real')).map(({value}) => value);

export const namedBy = ({virtual, nth}: Service): Pick<Service, 'virtual' | 'nth'> => ({virtual, nth});

/** File value to form value. */
export const valueOf = (lines: readonly Setting[], name: string): string => {
  const value = lines.findLast((line) => isNamed(line, name))?.value ?? '';
  return quoted.has(name) ? value.replace(/^"(.*)"$/, '$1') : value;
};

/** Form value to file value. */
const written = (name: string, value: string): string =>
  quoted.has(name) && value !== '' && !value.startsWith('"') ? `"${value}"` : value;

export function ServiceForm(props: {
  file: string;
  config: ConfigView;
  service?: Service;
  close: () => void;
  done: () => void;
}) {
  const {service, file, config} = props;
  const lines = service?.lines ?? [];
  const [virtual, setVirtual] = useState(service?.virtual ?? '');
  const [device, setDevice] = useState('');
  const [values, setValues] = useState<Record<string, string>>(
    Object.fromEntries(FIELDS.map(({name}) => [name, valueOf(lines, name)])),
  );
  const [reals, setReals] = useState<readonly string[]>(realsOf(lines));
  const [real, setReal] = useState('');
  const [method, setMethod] = useState('gate');
  const [weight, setWeight] = useState('1');
  const [edits, setEdits] = useState<readonly FileEdit[]>();
  const address = addressOf(virtual);
  const isNewAddress = !service && address !== '' && !isHeld(config.groups, address);
  const [node = ''] = (config.ha.node ?? '').split(/\s+/);

  const changes = (): FileEdit[] => {
    const edit = (one: object): FileEdit => ({kind: 'service', file, edit: one});
    if (!service)
      return [
        edit({
          type: 'add-virtual',
          virtual,
          lines: [
            ...reals.map((value) => ({name: 'real', value})),
            ...FIELDS.flatMap(({name}) => (values[name] ? [{name, value: written(name, values[name])}] : [])),
          ],
        }),
        ...resourcesFor({
          virtual,
          device,
          file,
          node,
          groups: config.groups,
          sync: Boolean(config.ha.hactl_sync),
        }),
      ];
    const named = namedBy(service);
    const before = realsOf(lines);
    return [
      ...before
        .filter((value) => !reals.includes(value))
        .map((value) => edit({type: 'remove-real', ...named, real: value})),
      ...reals
        .filter((value) => !before.includes(value))
        .map((value) => edit({type: 'add-real', ...named, real: value})),
      ...FIELDS.flatMap(({name}) => {
        const value = values[name] ?? '';
        if (value === valueOf(lines, name)) return [];
        return [
          edit({
            type: 'set',
            ...named,
            name,
            ...(value === '' ? {} : {value: written(name, value)}),
          }),
        ];
      }),
      ...(virtual === service.virtual ? [] : [edit({type: 'rename', ...named, to: virtual})]),
    ];
  };

  if (edits) return <Review edits={edits} close={() => setEdits(undefined)} done={props.done} />;
  return (
    <Dialog title={service ? `Edit ${service.virtual}` : 'Add a virtual server'} close={props.close}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const next = changes();
          if (next.length > 0) setEdits(next);
        }}
      >
        <Field
          label="Virtual address and port"
          value={virtual}
          set={setVirtual}
          required
          placeholder="10.0.0.100:80"
        />
        {isNewAddress ? (
          <Field
            label="Mask and device"
            value={device}
            set={setDevice}
            hint="24/eth0; empty: from the route"
          />
        ) : null}
        <fieldset>
          <legend>Real servers</legend>
          {reals.map((value) => (
            <p key={value}>
              <code>{value}</code>{' '}
              <button
                type="button"
                class="small"
                onClick={() => setReals(reals.filter((other) => other !== value))}
                aria-label={`Remove ${value}`}
              >
                Remove
              </button>
            </p>
          ))}
          <div class="row">
            <Field label="Server address and port" value={real} set={setReal} placeholder="10.0.0.11:80" />
            <Field label="Forwarding" value={method} set={setMethod} options={['gate', 'masq', 'ipip']} />
            <Field label="Server weight" type="number" value={weight} set={setWeight} />
            <button
              type="button"
              disabled={real === ''}
              onClick={() => {
                setReals([...reals, `${real} ${method}${weight === '1' ? '' : ` ${weight}`}`]);
                setReal('');
              }}
            >
              Add server
            </button>
          </div>
        </fieldset>
        <fieldset class="columns">
          <legend>Service and monitoring</legend>
          {FIELDS.map(({name, label, hint, options, type}) => (
            <Field
              key={name}
              label={label}
              value={values[name] ?? ''}
              set={(value) => setValues({...values, [name]: value})}
              {...(hint === undefined ? {} : {hint})}
              {...(options === undefined ? {} : {options})}
              {...(type === undefined ? {} : {type})}
            />
          ))}
        </fieldset>
        <button type="submit" class="primary">
          Review
        </button>
      </form>
    </Dialog>
  );
}
