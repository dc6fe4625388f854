/** Versions of the configuration: their differences and restoring one. */
import {useEffect, useState} from 'preact/hooks';
import {get, post, type HistoryOutcome, type Outcome, type Role} from './api.ts';
import {clockText, Dialog, Problem, Table, Tag, useAction} from './parts.tsx';

interface Diff {
  readonly from: string;
  readonly to: string;
  readonly lines: readonly string[];
}
interface Watch {
  readonly watching: boolean;
  readonly rolledBack?: {readonly version: number; readonly reason: string; readonly wall: number};
}

export function Versions({role}: {role: Role}) {
  const [history, setHistory] = useState<HistoryOutcome>();
  const [diff, setDiff] = useState<Diff>();
  const [watch, setWatch] = useState<Watch>();
  const [said, say] = useState('');
  const {busy, problem, run} = useAction();
  const load = () =>
    run(async () => {
      setHistory(await get<HistoryOutcome>('/api/config/versions'));
      setWatch(await get<Watch>('/api/config/watch'));
    });
  useEffect(() => void load(), []);
  return (
    <section>
      <h2>Versions</h2>
      {watch?.watching ? <p>A change is being watched.</p> : null}
      {watch?.rolledBack ? (
        <p class="problem">
          Rolled back to version {watch.rolledBack.version}: {watch.rolledBack.reason}
        </p>
      ) : null}
      <p aria-live="polite">{said}</p>
      <Problem text={problem} />
      <Table
        caption="Versions in use, newest first (UTC)"
        head={['Version', 'When', 'Why', 'Changed', 'Actions']}
      >
        {(history?.versions ?? []).toReversed().map((version, index, all) => (
          <tr key={version.number}>
            <th scope="row">
              {version.number} {version.inUse ? <Tag tone="good">in use</Tag> : null}
            </th>
            <td>{clockText(version.wall)}</td>
            <td>{version.why}</td>
            <td>{version.changed.join(', ')}</td>
            <td>
              <div class="buttons">
                {index < all.length - 1 ? (
                  <button
                    type="button"
                    class="small"
                    aria-label={`Changes of version ${version.number}`}
                    onClick={() =>
                      void run(async () =>
                        setDiff(
                          await get<Diff>(
                            `/api/config/diff?a=${all[index + 1]?.number ?? 1}&b=${version.number}`,
                          ),
                        ),
                      )
                    }
                  >
                    Changes
                  </button>
                ) : null}
                {role === 'admin' && !version.inUse ? (
                  <button
                    type="button"
                    class="small"
                    disabled={busy}
                    aria-label={`Restore version ${version.number}`}
                    onClick={() =>
                      void run(async () => {
                        say((await post<Outcome>('/api/config/rollback', {version: version.number})).text);
                        await load();
                      })
                    }
                  >
                    Restore
                  </button>
                ) : null}
              </div>
            </td>
          </tr>
        ))}
      </Table>
      {diff ? (
        <Dialog title={`${diff.from} → ${diff.to}`} close={() => setDiff(undefined)}>
          <pre tabIndex={0} aria-label="Changes">
            {diff.lines.join('\n') || 'no difference'}
          </pre>
        </Dialog>
      ) : null}
    </section>
  );
}
