import { scaleLinear, scaleLog } from 'd3-scale';
import { curveStepAfter, line } from 'd3-shape';
import type { Points } from './latencies.ts';

export interface Series {
  readonly name: string;
  readonly points: Points;
}

export interface Panel {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** Logarithmic axes leave out what is not above 0. */
  readonly xScale: 'linear' | 'log';
  readonly yScale: 'linear' | 'log';
  readonly series: readonly Series[];
  readonly steps?: boolean;
  /** Of the x axis; round numbers when not given. */
  readonly xTicks?: readonly (readonly [x: number, label: string])[];
}

const width = 860;
const panelHeight = 260;
const margin = { top: 34, right: 170, bottom: 42, left: 64 };
const inner = { width: width - margin.left - margin.right, height: panelHeight - margin.top - margin.bottom };
// Okabe and Ito's colours: distinguishable with every kind of colour blindness.
const colours = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#56B4E9', '#E69F00', '#000000'];

/** Line charts below each other, as an SVG document. */
export function drawPicture(title: string, panels: readonly Panel[]): string {
  const height = 30 + panels.length * panelHeight;
  const drawn = panels.map((panel, n) => {
    const top = 30 + n * panelHeight + margin.top;
    return `<g transform="translate(${margin.left} ${top})">\n${drawPanel(panel)}\n</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`,
    ' font-family="system-ui, sans-serif" font-size="11" fill="#333">',
    `<rect width="100%" height="100%" fill="#fff"/>`,
    text(12, 22, title, 'font-size="15" font-weight="600"'),
    ...drawn,
    '</svg>\n',
  ].join('\n');
}

function drawPanel(panel: Panel): string {
  const series = panel.series.map(({ name, points }) => ({
    name,
    points: points.filter((point) => fits(panel, point)),
  }));
  const all = series.flatMap(({ points }) => points);
  if (all.length === 0) return text(0, -12, `${panel.title}: nothing to show`);
  const x = axis(
    panel.xScale,
    all.map(([value]) => value),
    [0, inner.width],
  );
  const y = axis(
    panel.yScale,
    all.map(([, value]) => value),
    [inner.height, 0],
  );
  const path = line<readonly [number, number]>(
    ([value]) => round(x(value)),
    ([, value]) => round(y(value)),
  );
  if (panel.steps === true) path.curve(curveStepAfter);
  const xTicks = panel.xTicks?.filter(([value]) => value <= (x.domain()[1] ?? 0)) ?? ticksOf(x, 8);
  return [
    text(0, -12, panel.title, 'font-weight="600"'),
    ...ticksOf(y, 5).map(([value, label]) => {
      const at = round(y(value));
      return `<path d="M0,${at}H${inner.width}" stroke="#e5e5e5"/>${text(-6, at + 4, label, 'text-anchor="end"')}`;
    }),
    ...xTicks.map(([value, label]) => {
      const at = round(x(value));
      return `<path d="M${at},0V${inner.height}" stroke="#e5e5e5"/>${text(at, inner.height + 14, label, 'text-anchor="middle"')}`;
    }),
    text(inner.width / 2, inner.height + 32, panel.xLabel, 'text-anchor="middle"'),
    text(0, 0, panel.yLabel, `text-anchor="middle" transform="translate(-48 ${inner.height / 2}) rotate(-90)"`),
    ...series.map(({ name, points }, n) => {
      const colour = colours[n % colours.length] ?? '#000';
      const legendAt = 10 + n * 16;
      return [
        `<path d="${path(points) ?? ''}" fill="none" stroke="${colour}" stroke-width="1.6"/>`,
        `<path d="M${inner.width + 10},${legendAt - 4}h14" stroke="${colour}" stroke-width="3"/>`,
        text(inner.width + 29, legendAt, name),
      ].join('');
    }),
  ].join('\n');
}

function fits({ xScale, yScale }: Panel, [x, y]: readonly [number, number]): boolean {
  return Number.isFinite(x) && Number.isFinite(y) && (xScale === 'linear' || x > 0) && (yScale === 'linear' || y > 0);
}

function axis(kind: 'linear' | 'log', values: readonly number[], range: readonly [number, number]) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (kind === 'log') return scaleLog([low, Math.max(high, low * 1.01)], range).nice();
  return scaleLinear([Math.min(0, low), Math.max(high, low + 1e-9)], range).nice();
}

/** A logarithmic axis of many decades has more ticks than words fit: those without a label are left out. */
function ticksOf(scale: ReturnType<typeof axis>, count: number): [number, string][] {
  const label = scale.tickFormat(count);
  return scale
    .ticks(count)
    .map((value): [number, string] => [value, label(value)])
    .filter(([, words]) => words !== '');
}

function text(x: number, y: number, content: string, attributes = ''): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escaped}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
