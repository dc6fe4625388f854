/** Reviews a change: the plan, its application to both directors, then a minute of watching. */
import {useEffect, useState} from 'preact/hooks';
import {clickId, post, type FileEdit, type Outcome} from './api.ts';
import {Dialog, Problem, Table, useAction} from './parts.tsx';

/** Repairs and notices are collapsed: the change did not cause them. */
const isNotice = (text: string): boolean => / notice\[/.test(text.split('\n')[0] ?? '');

const Diagnostics = (props: {texts: readonly string[]; title: string; open?: boolean}) =>
  props.texts.length === 0 ? null : (
    <details open={props.open}>
      <summary>
        {props.title} ({props.texts.length})
      </summary>
      <pre tabIndex={0} aria-label={props.title}>
        {props.texts.join('\n\n')}
      </pre>
    </details>
  );

export function Review(props: {edits: readonly FileEdit[]; close: () => void; done: () => void}) {
  const [plan, setPlan] = useState<Outcome>();
  const [applied, setApplied] = useState<Outcome>();
  const [kept, setKept] = useState(false);
  const {busy, problem, run} = useAction();
  const body = {edits: props.edits};
  useEffect(() => {
    void run(async () => setPlan(await post<Outcome>('/api/config/plan', body)));
  }, []);
  const shown = applied ?? plan;
  return (
    <Dialog
      title={applied ? (applied.ok ? 'Applied' : 'Not applied') : 'What this would change'}
      close={applied?.ok ? props.done : props.close}
    >
      <p aria-live="polite">{shown?.text ?? (busy ? 'checking …' : '')}</p>
      {applied?.peer ? <p>Peer: {applied.peer}</p> : null}
      {shown && shown.rows.length > 0 ? (
        <Table caption="Changes" head={['Kind', 'What', 'From', 'To', 'Effect']}>
          {shown.rows.map((row) => (
            <tr key={`${row.file} ${row.what}`}>
              <td>{row.kind}</td>
              <th scope="row">{row.what}</th>
              <td>{row.from ?? ''}</td>
              <td>{row.to ?? ''}</td>
              <td>{row.effect}</td>
            </tr>
          ))}
        </Table>
      ) : null}
      <Diagnostics
        texts={shown?.diagnostics.filter((text) => !isNotice(text)) ?? []}
        title="Diagnostics"
        open
      />
      <Diagnostics texts={shown?.diagnostics.filter(isNotice) ?? []} title="Repairs and notices" />
      <Problem text={problem} />
      <div class="buttons">
        {applied ? (
          <>
            {applied.ok ? (
              <p aria-live="polite">
                {kept
                  ? 'Kept: the pair is no longer watched.'
                  : 'The pair is watched for a minute; if its health degrades, the previous version is restored.'}
              </p>
            ) : null}
            {applied.ok && !kept ? (
              <button
                type="button"
                onClick={() =>
                  void run(async () => {
                    await post('/api/config/confirm');
                    setKept(true);
                  })
                }
              >
                Keep it now
              </button>
            ) : null}
            <button type="button" class="primary" onClick={applied.ok ? props.done : props.close}>
              Close
            </button>
          </>
        ) : (
          <button
            type="button"
            class="primary"
            disabled={busy || !plan?.ok}
            onClick={() => {
              const id = clickId();
              void run(async () => setApplied(await post<Outcome>('/api/config/apply', {...body, id})));
            }}
          >
            Apply to both directors
          </button>
        )}
      </div>
    </Dialog>
  );
}
