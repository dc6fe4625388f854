/** Events, newest first: `hactl events` in a browser. */
import {useEffect, useState} from 'preact/hooks';
import {get, type JournalEvent, type Live} from './api.ts';
import {clockText, Field, Problem, Table, Tag, useAction, type Tone} from './parts.tsx';

const KINDS = ['', 'role', 'peer', 'path', 'ping', 'address', 'resource', 'check', 'table', 'sync', 'ready', 'config', 'operator', 'process', 'daemon']; // prettier-ignore
const tones: Readonly<Record<JournalEvent['level'], Tone>> = {error: 'bad', warn: 'warn', info: 'quiet'};

export function Timeline({live}: {live: Live}) {
  const [kind, setKind] = useState('');
  const [match, setMatch] = useState('');
  const [events, setEvents] = useState<readonly JournalEvent[]>([]);
  const {busy, problem, run} = useAction();
  const wall = live.ok ? Math.floor(live.status.wall / 5_000) : 0;
  useEffect(() => {
    const query = new URLSearchParams([
      ['limit', '200'],
      ...(kind === '' ? [] : [['kinds', kind]]),
      ...(match === '' ? [] : [['match', match]]),
    ]);
    void run(async () => {
      const answer = await get<{events: readonly JournalEvent[]}>(`/api/events?${query.toString()}`);
      setEvents(answer.events.toReversed());
    });
  }, [kind, match, wall]);
  return (
    <section>
      <h2>Timeline</h2>
      <div class="row">
        <Field label="Kind" value={kind} set={setKind} options={KINDS} />
        <Field label="Search" value={match} set={setMatch} />
      </div>
      <Problem text={problem} />
      <Table caption="Events, newest first (UTC)" head={['When', 'Kind', 'What']}>
        {events.map((event) => (
          <tr key={event.seq}>
            <td>{clockText(event.wall)}</td>
            <td>
              <Tag tone={tones[event.level]}>{event.kind}</Tag>
            </td>
            <td class="reason">{event.text}</td>
          </tr>
        ))}
      </Table>
      {events.length === 0 && !busy ? <p>No event matches.</p> : null}
    </section>
  );
}
