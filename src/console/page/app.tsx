/** The view after login: tabs and the live status. */
import {useEffect, useState} from 'preact/hooks';
import {get, post, type Live, type Login} from './api.ts';
import {Monitor} from './monitor.tsx';
import {Pair} from './pair.tsx';
import {Services} from './services.tsx';
import {Timeline} from './timeline.tsx';
import {Users} from './users.tsx';
import {Versions} from './versions.tsx';

const TABS = ['monitor', 'services', 'pair', 'timeline', 'versions', 'users'] as const;
type Tab = (typeof TABS)[number];

const RETRY_MS = 2_000;

const tabOf = (): Tab => TABS.find((tab) => location.hash === `#/${tab}`) ?? 'monitor';

/** Follows the system's dark or light theme until the user chooses one. */
function ThemeButton() {
  const [theme, setTheme] = useState(localStorage.getItem('theme') ?? 'auto');
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
    localStorage.setItem('theme', theme);
  }, [theme]);
  const next = {auto: 'dark', dark: 'light', light: 'auto'}[theme] ?? 'auto';
  return (
    <button type="button" class="plain" onClick={() => setTheme(next)}>
      Theme: {theme}
    </button>
  );
}

export function App({login, leave}: {login: Login; leave: () => void}) {
  const [tab, setTab] = useState(tabOf());
  const [live, setLive] = useState<Live>({ok: false, reason: 'asking …'});
  useEffect(() => {
    const change = (): void => setTab(tabOf());
    addEventListener('hashchange', change);
    return () => removeEventListener('hashchange', change);
  }, []);
  useEffect(() => {
    const open: {stream?: EventSource; timer?: ReturnType<typeof setTimeout>} = {};
    const later = (work: () => void): void => {
      open.timer = setTimeout(work, RETRY_MS);
    };
    const follow = (): void => {
      const stream = new EventSource('/api/stream');
      open.stream = stream;
      stream.onmessage = ({data}) => setLive(JSON.parse(String(data)) as Live);
      stream.onerror = () => {
        setLive({ok: false, reason: 'the console does not answer; retrying'});
        // EventSource does not retry after an HTTP error.
        if (stream.readyState === EventSource.CLOSED) later(ask);
      };
    };
    const ask = (): void => {
      get<Partial<Login>>('/api/session').then(
        ({user}) => (user === undefined ? leave() : follow()),
        () => later(ask),
      );
    };
    follow();
    return () => {
      open.stream?.close();
      clearTimeout(open.timer);
    };
  }, []);
  const tabs = TABS.filter((name) => name !== 'users' || login.role === 'admin');
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          // The fragment names the open tab.
          event.preventDefault();
          document.querySelector<HTMLElement>('#main')?.focus();
        }}
      >
        Skip to content
      </a>
      <header class="bar">
        <h1>hactl</h1>
        <nav aria-label="Pages">
          {tabs.map((name) => (
            <a key={name} href={`#/${name}`} aria-current={name === tab ? 'page' : undefined}>
              {name[0]?.toUpperCase() + name.slice(1)}
            </a>
          ))}
        </nav>
        <div class="buttons">
          <ThemeButton />
          <button
            type="button"
            class="plain"
            onClick={() => {
              void post('/api/logout').finally(leave);
            }}
          >
            Log out {login.user}
          </button>
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        {tab === 'monitor' ? <Monitor live={live} role={login.role} /> : null}
        {tab === 'services' ? <Services role={login.role} /> : null}
        {tab === 'pair' ? <Pair role={login.role} /> : null}
        {tab === 'timeline' ? <Timeline live={live} /> : null}
        {tab === 'versions' ? <Versions role={login.role} /> : null}
        {tab === 'users' && login.role === 'admin' ? <Users /> : null}
      </main>
    </>
  );
}
