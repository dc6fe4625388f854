/** Sends mail: over SMTP if a server is configured, otherwise through the local sendmail. */
import {isExecutable} from './shell.ts';
import {MAIL_LIMIT_MS} from './limits.ts';
import {programFile} from './programs.ts';

/** A mail; without `smtp` it is sent through the local sendmail. */
export interface Mail {
  readonly to: readonly string[];
  readonly from: string;
  readonly smtp?: string;
  readonly subject: string;
  readonly text: string;
}

const sendmails = ['/usr/sbin/sendmail', '/usr/lib/sendmail'];

/** `HOST`, `HOST:PORT` or `[IPv6]:PORT` (the last two are extensions); the default port is 25. */
function serverOf(smtp: string): {host: string; port: number} {
  const [, host = smtp, port] = /^\[?([^\]]*?)\]?(?::(\d+))?$/.exec(smtp) ?? [];
  return {host, port: Number(port ?? 25)};
}

/** Resolves when the mail is accepted; rejects with the reason otherwise. */
export async function sendMail(
  mail: Mail,
  options: {readonly sendmail?: readonly string[]} = {},
): Promise<void> {
  const {createTransport} = (await import(programFile('mail-library'))) as typeof import('./mail-library.ts');
  const {to, from, subject, text} = mail;
  const message = {to: [...to], from, subject, text, headers: {'Auto-Submitted': 'auto-generated'}};
  if (mail.smtp !== undefined) {
    const {host, port} = serverOf(mail.smtp);
    const transport = createTransport({
      host,
      port,
      connectionTimeout: MAIL_LIMIT_MS,
      greetingTimeout: MAIL_LIMIT_MS,
      socketTimeout: MAIL_LIMIT_MS,
      // Opportunistic TLS: ldirectord has none, so any certificate is an improvement.
      tls: {rejectUnauthorized: false},
    });
    try {
      await transport.sendMail(message);
    } finally {
      transport.close();
    }
    return;
  }
  const path = (options.sendmail ?? sendmails).find(isExecutable);
  if (path === undefined)
    throw new Error(`there is no ${sendmails.join(' or ')}: name a mail server with smtp=`);
  await createTransport({sendmail: true, newline: 'unix', path}).sendMail(message);
}
