/** A plot of the console's history: the last five minutes, hour or day. */
import {useEffect, useRef, useState} from 'preact/hooks';
import uPlot from 'uplot';
import {get} from './api.ts';

const COLOURS = ['#1f6feb', '#d29922', '#3fb950', '#f85149', '#a371f7', '#39c5cf', '#db61a2', '#8b949e'];
const EVERY_MS = 5_000;

/** In UTC, like every time in the console. */
const timeText = (seconds: number): string => new Date(seconds * 1_000).toISOString().slice(11, 19);

interface Answer {
  readonly times: readonly number[];
  readonly values: readonly (readonly (number | null)[])[];
}

export function Plot(props: {title: string; series: readonly {key: string; label: string}[]}) {
  const [span, setSpan] = useState<'now' | 'hour' | 'day'>('now');
  const [open, setOpen] = useState(false);
  const [text, setText] = useState('');
  const frame = useRef<HTMLDivElement>(null);
  const shown = props.series.slice(0, COLOURS.length);
  const names = shown.map(({key}) => key).join('\n');

  useEffect(() => {
    const element = frame.current;
    if (!open || !element) return undefined;
    const ink = getComputedStyle(element).color;
    const axis = {
      stroke: ink,
      grid: {stroke: `${ink.replace(')', ' / 15%)').replace(/, /g, ' ').replace('rgb(', 'rgb(')}`},
    };
    const plot = new uPlot(
      {
        width: element.clientWidth,
        height: 180,
        axes: [{...axis, values: (_plot, times) => times.map(timeText)}, axis],
        series: [
          {value: (_plot, time) => (time === null ? '--' : `${timeText(time)} UTC`)},
          ...shown.map(({label}, index) => ({label, stroke: COLOURS[index] ?? '#888', width: 2})),
        ],
      },
      [[], ...shown.map(() => [])],
      element,
    );
    const load = async (): Promise<void> => {
      const query = new URLSearchParams([['span', span], ...shown.map(({key}) => ['series', key])]);
      const {times, values} = await get<Answer>(`/api/plot?${query.toString()}`);
      plot.setData([[...times], ...values.map((line) => [...line])]);
      setText(
        shown.map(({label}, index) => `${label}: ${(values[index]?.at(-1) ?? 0).toFixed(1)}`).join(', '),
      );
    };
    void load().catch(() => undefined);
    const timer = setInterval(() => void load().catch(() => undefined), span === 'now' ? 1_000 : EVERY_MS);
    const resize = new ResizeObserver(() => plot.setSize({width: element.clientWidth, height: 180}));
    resize.observe(element);
    return () => {
      clearInterval(timer);
      resize.disconnect();
      plot.destroy();
    };
  }, [open, span, names]);

  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)} class="plot">
      <summary>{props.title}</summary>
      <div class="buttons" role="group" aria-label={`Span of ${props.title}`}>
        {(['now', 'hour', 'day'] as const).map((name) => (
          <button
            type="button"
            class="small"
            key={name}
            aria-pressed={span === name}
            onClick={() => setSpan(name)}
          >
            {name}
          </button>
        ))}
      </div>
      <div ref={frame} aria-hidden="true" />
      <p class="visually-hidden">Now: {text}</p>
    </details>
  );
}
