import { scaleBand, scaleLinear } from 'd3-scale';
import type { Interval } from './bootstrap.ts';
import type { MetricName } from './metrics.ts';
import { differences, groupsOf, intervalOf, type Group, type Results } from './results.ts';

export interface Bar extends Interval {
  readonly name: string;
}

/** Horizontal bars on one scale, in percent, each with its interval. */
export interface Panel {
  readonly title: string;
  readonly bars: readonly Bar[];
}

const width = 760;
const margin = { top: 40, right: 56, bottom: 24, left: 190 };
const barHeight = 22;
const innerWidth = width - margin.left - margin.right;
// Okabe and Ito's colours: distinguishable with every kind of colour blindness.
const [barColour, wholeColour, intervalColour] = ['#56B4E9', '#0072B2', '#333'];

/** What a run found, in bars: the default by category, all variants, and how they differ from it. */
export function panelsOf(results: Results): Panel[] {
  const [first, ...others] = results.variants;
  if (first === undefined) return [];
  const byGroup = (metric: MetricName): Panel => ({
    title: `${metric}, ${first.name}`,
    bars: barsOf(first.groups, metric),
  });
  const variants = results.variants.map(({ name, groups }) => ({ name, group: groups.find(isAll) }));
  const against = others.map(({ name, questions }) => ({
    name,
    group: groupsOf(differences(questions, first.questions), results.bootstrap).find(isAll),
  }));
  return [
    ...(['R@5', 'R@10', 'session R@10'] as const).map(byGroup),
    { title: 'R@10 by variant, all questions', bars: namedBars(variants) },
    { title: `R@10, each variant minus ${first.name}, paired`, bars: namedBars(against) },
  ].filter(({ bars }) => bars.length > 0);
}

function isAll({ name }: Group): boolean {
  return name === 'all';
}

function namedBars(named: readonly { readonly name: string; readonly group: Group | undefined }[]): Bar[] {
  return named.flatMap(({ name, group }) => (group === undefined ? [] : barsOf([{ ...group, name }], 'R@10')));
}

function barsOf(groups: readonly Group[], metric: MetricName): Bar[] {
  return groups.flatMap((group) => {
    const interval = intervalOf(group, metric);
    return interval === null ? [] : [{ name: `${group.name} (${group.questions})`, ...interval }];
  });
}

/** Panels below each other, as an SVG document. */
export function drawPicture(title: string, panels: readonly Panel[]): string {
  let top = 30;
  const drawn = panels.map((panel) => {
    const group = `<g transform="translate(${margin.left} ${top + margin.top})">\n${drawPanel(panel)}\n</g>`;
    top += margin.top + panel.bars.length * barHeight + margin.bottom;
    return group;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${top}" width="${width}" height="${top}"`,
    ' font-family="system-ui, sans-serif" font-size="11" fill="#333">',
    '<rect width="100%" height="100%" fill="#fff"/>',
    text(12, 22, title, 'font-size="15" font-weight="600"'),
    ...drawn,
    '</svg>\n',
  ].join('\n');
}

function drawPanel({ title, bars }: Panel): string {
  const height = bars.length * barHeight;
  const low = Math.min(0, ...bars.map((bar) => bar.low));
  // Shares are shown of the whole; differences fill the width.
  const high = low < 0 || title.includes('minus') ? Math.max(0.01, ...bars.map((bar) => bar.high)) : 1;
  const x = scaleLinear([low, high], [0, innerWidth]).nice();
  const y = scaleBand(
    bars.map(({ name }) => name),
    [0, height],
  ).padding(0.25);
  return [
    text(0, -14, title, 'font-weight="600"'),
    ...x.ticks(6).map((value) => {
      const at = round(x(value));
      const label = text(at, height + 14, `${Math.round(value * 1000) / 10}`, 'text-anchor="middle"');
      return `<path d="M${at},0V${height}" stroke="${value === 0 ? '#999' : '#e5e5e5'}"/>${label}`;
    }),
    ...bars.map((bar) => drawBar(bar, x, y(bar.name) ?? 0, y.bandwidth())),
  ].join('\n');
}

function drawBar(bar: Bar, x: (value: number) => number, top: number, thickness: number): string {
  const [from, to] = [Math.min(x(0), x(bar.mean)), Math.max(x(0), x(bar.mean))];
  const middle = round(top + thickness / 2);
  const colour = bar.name.startsWith('all ') || bar.name.startsWith('default ') ? wholeColour : barColour;
  return [
    `<rect x="${round(from)}" y="${round(top)}" width="${round(to - from)}" height="${round(thickness)}" fill="${colour}"/>`,
    `<path d="M${round(x(bar.low))},${middle}H${round(x(bar.high))}" stroke="${intervalColour}" stroke-width="1.5"/>`,
    text(-8, middle + 4, bar.name, 'text-anchor="end"'),
    text(innerWidth + 8, middle + 4, (bar.mean * 100).toFixed(1)),
  ].join('');
}

function text(x: number, y: number, content: string, attributes = ''): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escaped}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
