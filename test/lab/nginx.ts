/** Web servers for the drill: an nginx in each web namespace. */
import type {Program, Site} from './site.ts';
import {until} from './until.ts';

const config = (directory: string): string => `daemon off;
user root;
worker_processes 1;
error_log ${directory}/error.log;
pid ${directory}/nginx.pid;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_timeout 1h;
  keepalive_requests 1000000;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  server {
    listen 80;
    listen [::]:80;
    root ${directory}/www;
  }
}
`;

/** Starts, stops and kills the web servers of a site. */
export function makeWebs(site: Site) {
  const page = (host: string): string => `It Works! ${host}\n`;
  const running = new Map<string, Program>();
  return {
    start: async (host: string): Promise<void> => {
      const directory = `${site.directory(host)}/${host}`;
      await site.write(host, `${directory}/www/index.html`, page(host), 0o644);
      await site.write(host, `${directory}/nginx.conf`, config(directory), 0o644);
      const program = await site.start(
        host,
        ['nginx', '-p', directory, '-c', `${directory}/nginx.conf`],
        `${directory}/nginx.log`,
      );
      running.set(host, program);
      await until(`nginx of ${host} is listening`, 20_000, async () => {
        if (!program.running) throw new Error(`nginx of ${host} exited at once; see ${directory}/nginx.log`);
        const {stdout} = await site.run(host, ['cat', '/proc/net/tcp']);
        return /:0050 00000000:0000 0A/.test(stdout);
      });
    },
    kill: async (host: string): Promise<void> => {
      // Kill master and worker: a crash, not a graceful shutdown.
      await running.get(host)?.kill('SIGKILL', true);
      running.delete(host);
    },
    freeze: (host: string, signal: 'SIGSTOP' | 'SIGCONT'): Promise<void> => {
      running.get(host)?.signal(signal);
      return Promise.resolve();
    },
    answer: async (host: string, text = page(host)): Promise<void> => {
      await site.write(host, `${site.directory(host)}/${host}/www/index.html`, text, 0o644);
    },
  };
}
