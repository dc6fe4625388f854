/** Real web servers for the drill: nginx, one in each web namespace. */
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

/** Starts and kills the web servers of a site. */
export function makeWebs(site: Site): {
  start(host: string): Promise<void>;
  kill(host: string): Promise<void>;
} {
  const running = new Map<string, Program>();
  return {
    start: async (host) => {
      const directory = `${site.directory(host)}/${host}`;
      await site.write(host, `${directory}/www/index.html`, `It Works! ${host}\n`, 0o644);
      await site.write(host, `${directory}/nginx.conf`, config(directory), 0o644);
      const program = await site.start(
        host,
        ['nginx', '-p', directory, '-c', `${directory}/nginx.conf`],
        `${directory}/nginx.log`,
      );
      running.set(host, program);
      await until(`nginx of ${host} listens`, 20_000, async () => {
        if (!program.running) throw new Error(`nginx of ${host} ended at once; see ${directory}/nginx.log`);
        const {stdout} = await site.run(host, ['cat', '/proc/net/tcp']);
        return /:0050 00000000:0000 0A/.test(stdout);
      });
    },
    kill: async (host) => {
      // Master and worker: a server that is dead, not one that says good-bye.
      await running.get(host)?.kill('SIGKILL', true);
      running.delete(host);
    },
  };
}
