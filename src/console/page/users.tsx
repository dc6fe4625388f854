/** Users and the audit log. */
import {useEffect, useState} from 'preact/hooks';
import {call, get, post, type Role} from './api.ts';
import {clockText, Field, Problem, Table, useAction} from './parts.tsx';

interface Entry {
  readonly wall: number;
  readonly user: string;
  readonly address: string;
  readonly action: string;
  readonly detail: string;
  readonly status: number;
}

export function Users() {
  const [users, setUsers] = useState<readonly {name: string; role: Role}[]>([]);
  const [audit, setAudit] = useState<readonly Entry[]>([]);
  const [name, setName] = useState('');
  const [role, setRole] = useState<string>('viewer');
  const [password, setPassword] = useState('');
  const {busy, problem, run} = useAction();
  const load = async (): Promise<void> => {
    setUsers(await get('/api/users'));
    setAudit(await get('/api/audit'));
  };
  useEffect(() => void run(load), []);
  return (
    <section>
      <h2>Users</h2>
      <Table caption="Users" head={['Name', 'Role', 'Actions']}>
        {users.map((user) => (
          <tr key={user.name}>
            <th scope="row">{user.name}</th>
            <td>{user.role}</td>
            <td>
              <button
                type="button"
                class="small"
                disabled={busy}
                aria-label={`Remove ${user.name}`}
                onClick={() =>
                  void run(async () => {
                    await call('DELETE', `/api/users/${encodeURIComponent(user.name)}`);
                    await load();
                  })
                }
              >
                Remove
              </button>
            </td>
          </tr>
        ))}
      </Table>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          void run(async () => {
            await post('/api/users', {name, role, password});
            setPassword('');
            await load();
          });
        }}
      >
        <Field label="User name" value={name} set={setName} required />
        <Field label="Role" value={role} set={setRole} options={['viewer', 'operator', 'admin']} />
        <Field
          label="New password"
          type="password"
          value={password}
          set={setPassword}
          required
          hint="12 characters or more"
        />
        <button type="submit" disabled={busy}>
          Save user
        </button>
      </form>
      <Problem text={problem} />
      <h2>Audit</h2>
      <Table
        caption="Who did what, newest first (UTC)"
        head={['When', 'User', 'From', 'Action', 'Asked', 'Answer']}
      >
        {audit.map((entry, index) => (
          <tr key={index}>
            <td>{clockText(entry.wall)}</td>
            <td>{entry.user || '–'}</td>
            <td>{entry.address}</td>
            <td>{entry.action}</td>
            <td class="reason">{entry.detail}</td>
            <td class="number">{entry.status}</td>
          </tr>
        ))}
      </Table>
    </section>
  );
}
