/** Virtual servers: add, edit, delete, enable and disable. */
import {useEffect, useState} from 'preact/hooks';
import {get, type ConfigView, type FileEdit, type Role, type Service} from './api.ts';
import {Problem, Table, Tag, useAction} from './parts.tsx';
import {Review} from './review.tsx';
import {namedBy, realsOf, ServiceForm, valueOf} from './service-form.tsx';

/** A UDP and a TCP service may share address and port. */
function titleOf({virtual, lines}: Service): string {
  const protocol = valueOf(lines, 'protocol');
  return protocol === 'udp' ? `${virtual} udp` : virtual;
}

type Open =
  | {readonly kind: 'form'; readonly file: string; readonly service?: Service}
  | {readonly kind: 'review'; readonly edits: readonly FileEdit[]};

export function Services({role}: {role: Role}) {
  const [config, setConfig] = useState<ConfigView>();
  const [open, setOpen] = useState<Open>();
  const {problem, run} = useAction();
  const load = () => run(async () => setConfig(await get<ConfigView>('/api/config')));
  useEffect(() => void load(), []);
  const close = (): void => setOpen(undefined);
  const done = (): void => {
    close();
    void load();
  };
  const review = (file: string, edit: object): void =>
    setOpen({kind: 'review', edits: [{kind: 'service', file, edit}]});
  return (
    <section>
      <h2>Virtual servers</h2>
      <Problem text={problem} />
      {config?.files.map((file) => (
        <div key={file.name}>
          <Table
            caption={file.name}
            head={['Virtual server', 'State', 'Real servers', 'Scheduler', 'Check', 'Actions']}
          >
            {file.services.map((service) => (
              <tr key={`${service.virtual} ${String(service.on)} ${service.nth}`}>
                <th scope="row">{titleOf(service)}</th>
                <td>
                  <Tag tone={service.on ? 'good' : 'quiet'}>{service.on ? 'active' : 'off'}</Tag>
                </td>
                <td class="number">{realsOf(service.lines).length}</td>
                <td>{valueOf(service.lines, 'scheduler')}</td>
                <td>
                  {[valueOf(service.lines, 'service'), valueOf(service.lines, 'checktype')]
                    .filter(Boolean)
                    .join(', ')}
                </td>
                <td>
                  {role === 'admin' ? (
                    <div class="buttons">
                      {service.on ? (
                        <button
                          type="button"
                          class="small"
                          onClick={() => setOpen({kind: 'form', file: file.name, service})}
                          aria-label={`Edit ${titleOf(service)}`}
                        >
                          Edit
                        </button>
                      ) : null}
                      <button
                        type="button"
                        class="small"
                        onClick={() =>
                          review(file.name, {type: 'switch', ...namedBy(service), on: !service.on})
                        }
                        aria-label={`${service.on ? 'Deactivate' : 'Activate'} ${titleOf(service)}`}
                      >
                        {service.on ? 'Deactivate' : 'Activate'}
                      </button>
                      {service.on ? (
                        <button
                          type="button"
                          class="small"
                          onClick={() => review(file.name, {type: 'remove-virtual', ...namedBy(service)})}
                          aria-label={`Delete ${titleOf(service)}`}
                        >
                          Delete
                        </button>
                      ) : null}
                    </div>
                  ) : null}
                </td>
              </tr>
            ))}
          </Table>
          {role === 'admin' ? (
            <button type="button" class="primary" onClick={() => setOpen({kind: 'form', file: file.name})}>
              Add a virtual server
            </button>
          ) : null}
        </div>
      ))}
      {open?.kind === 'form' && config ? (
        <ServiceForm
          file={open.file}
          config={config}
          {...(open.service ? {service: open.service} : {})}
          close={close}
          done={done}
        />
      ) : null}
      {open?.kind === 'review' ? <Review edits={open.edits} close={close} done={done} /> : null}
    </section>
  );
}
