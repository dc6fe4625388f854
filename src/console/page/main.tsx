/** The page's entry point: login state. The other parts are loaded after the first form. */
import {render} from 'preact';
import {useEffect, useState} from 'preact/hooks';
import {get, setCsrf, type Login} from './api.ts';
import type {App as AppType} from './app.tsx';
import {LoginPage} from './login.tsx';

function Root() {
  const [login, setLogin] = useState<Login>();
  const [isStale, setStale] = useState(false);
  const [Pages, setPages] = useState<typeof AppType>();
  const [state, setState] = useState<{known: boolean; first: boolean}>({known: false, first: false});
  const begin = (made: Login): void => {
    setCsrf(made.csrf);
    if (location.hash.startsWith('#first=')) location.hash = '#/monitor';
    setLogin(made);
    setState({known: true, first: false});
  };
  useEffect(() => {
    void get<Login | {first: boolean}>('/api/session').then((found) => {
      if ('user' in found) begin(found);
      else setState({known: true, first: found.first});
    });
  }, []);
  useEffect(() => {
    // The login form first: the rest loads while the user types.
    if (state.known)
      import('./app.tsx').then(
        ({App}) => setPages(() => App),
        () => setStale(true),
      );
  }, [state.known]);
  if (isStale && login)
    return (
      <main class="login">
        <h1>hactl console</h1>
        <p class="problem">The console was renewed meanwhile, or does not answer: reload the page.</p>
      </main>
    );
  if (login) return Pages ? <Pages login={login} leave={() => setLogin(undefined)} /> : null;
  if (!state.known) return null;
  return <LoginPage first={/^#first=(.+)$/.exec(location.hash)?.[1]} needsFirst={state.first} done={begin} />;
}

const root = document.querySelector('#app');
if (root) render(<Root />, root);
