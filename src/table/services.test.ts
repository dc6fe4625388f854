/** The check of one real server: the virtual service's settings and the server's own. */
import test from 'ava';
import {parseLdirectordCf} from '@hactl/config';
import {checkSpec} from './services.ts';

const specs = (lines: string) => {
  const {model, diagnostics} = parseLdirectordCf(
    {
      path: 'x.cf',
      text: `virtual=10.0.0.1:80\n\treal=10.0.0.2:8080 masq\n\treal=10.0.0.3:8080 masq\n${lines}`,
    },
    {mode: 'lenient', resolve: {host: () => undefined, service: () => undefined}},
  );
  const errors = diagnostics.filter(({severity}) => severity === 'error');
  if (errors.length > 0) throw new Error(JSON.stringify(errors));
  return model.virtuals.flatMap((virtual) =>
    virtual.reals.map((real) => checkSpec(virtual, real, undefined)),
  );
};

test('hactl_check: its settings override those of the virtual service', (t) => {
  const [plain, spec] = specs(
    '\trequest="/"\n\tchecktimeout=7\n\thactl_check=10.0.0.3:8080 service=https checkport=8443 request="/s" checktimeout=2\n',
  );
  t.like(plain, {service: 'http', port: 8_080, request: '/', checkTimeout: 7_000});
  t.like(spec, {service: 'https', port: 8_443, request: '/s', checkTimeout: 2_000, negotiateTimeout: 2_000});
});

test('a send program applies to every server except those with their own check', (t) => {
  const [all, spec] = specs(
    '\thactl_send_program="/m.sh %h"\n\thactl_expect="UP"\n\thactl_check=10.0.0.3 checktype=connect\n',
  );
  t.like(all, {checkType: {kind: 'external'}, sendProgram: {command: '/m.sh %h', expect: 'UP'}});
  t.deepEqual([spec?.checkType, spec?.sendProgram], [{kind: 'connect'}, undefined]);
});

test('hactl_check: a check of another kind does not inherit request and receive', (t) => {
  const [sent, web, on] = [
    ...specs(
      '\thactl_send="x"\n\thactl_expect="y"\n\thactl_check=10.0.0.3 checktype=negotiate service=http\n',
    ),
    ...specs('\trequest="/"\n\treceive="ok"\n\thactl_check=10.0.0.3 checktype=on\n').slice(1),
  ];
  t.like(sent, {service: 'send-expect', sendExpect: {send: 'x', expect: 'y', regex: false}});
  t.is(web?.service, 'http');
  t.is(web?.sendExpect, undefined);
  t.deepEqual(on?.checkType, {kind: 'on'});
});

test('hactl_status: from the virtual service, overridden by the server, ignored for another kind of service', (t) => {
  const [plain, spec] = specs('\thactl_status="200"\n\thactl_check=10.0.0.3 status="401"\n');
  t.deepEqual(plain?.statuses, [[200, 200]]);
  t.deepEqual(spec?.statuses, [[401, 401]]);
  t.is(specs('\thactl_status="200"\n\thactl_check=10.0.0.3 service=smtp\n')[1]?.statuses, undefined);
});
