/** Login, and creation of the first user with the one-time link. */
import {useState} from 'preact/hooks';
import {post, type Login} from './api.ts';
import {Field, Problem, useAction} from './parts.tsx';

export function LoginPage(props: {
  first: string | undefined;
  needsFirst: boolean;
  done: (login: Login) => void;
}) {
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const {busy, problem, run} = useAction();
  const {first} = props;
  if (props.needsFirst && first === undefined)
    return (
      <main class="login">
        <h1>hactl console</h1>
        <p>
          There is no user yet. On a director run <code>hactl-console link</code> and open the link that it
          prints.
        </p>
      </main>
    );
  return (
    <main class="login">
      <h1>hactl console</h1>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void run(async () => {
            props.done(
              first === undefined
                ? await post<Login>('/api/login', {user, password})
                : await post<Login>('/api/first-user', {token: first, user, password}),
            );
          });
        }}
      >
        <h2>{first === undefined ? 'Log in' : 'Create the first administrator'}</h2>
        <Field label="User" value={user} set={setUser} required />
        <Field
          label="Password"
          type="password"
          value={password}
          set={setPassword}
          required
          {...(first === undefined ? {} : {hint: '12 characters or more'})}
        />
        <button type="submit" class="primary" disabled={busy}>
          {first === undefined ? 'Log in' : 'Create user'}
        </button>
        <Problem text={problem} />
      </form>
    </main>
  );
}
