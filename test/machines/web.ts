/** A real server: `web.ts NAME` answers with its name; `/stream` continues until the connection ends. */
import http from 'node:http';

const [name = 'web'] = process.argv.slice(2);
http
  .createServer((request, response) => {
    if (request.url !== '/stream') {
      response.setHeader('connection', 'close');
      response.end(`${name}\n`);
      return;
    }
    const timer = setInterval(() => response.write('.'), 100);
    response.on('close', () => clearInterval(timer));
  })
  .listen(80, () => process.stdout.write('ready\n'));
