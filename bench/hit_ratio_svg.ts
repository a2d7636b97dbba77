/** Hit ratios as a picture: a small chart for each trace, a line for each policy. */

import type { Cell } from "./hit_ratio.ts";

const LINES: Readonly<Record<string, { colour: string; dash: string; width: number }>> = {
  optimum: { colour: "#9a9a9a", dash: "2 3", width: 1.5 },
  fifo: { colour: "#c9a227", dash: "", width: 1.5 },
  lru: { colour: "#5b8dd6", dash: "", width: 2 },
  wTinyLfu: { colour: "#8a63b8", dash: "6 3", width: 2 },
  s3fifo: { colour: "#d1495b", dash: "", width: 3 },
};

const COLUMNS = 4;
const CHART = { width: 250, height: 190, left: 38, top: 30, right: 14, bottom: 34 };
const PLOT_WIDTH = CHART.width - CHART.left - CHART.right;
const PLOT_HEIGHT = CHART.height - CHART.top - CHART.bottom;
const LEGEND_HEIGHT = 34;
/** Every chart has a scale of its own, of four steps. */
const STEPS = 4;
const STEP_PERCENT = 5;

/** Draws all cells, one chart for each trace. */
export function drawHitRatios(cells: readonly Cell[]): string {
  const traces = [...new Set(cells.map(({ trace }) => trace))];
  const rows = Math.ceil(traces.length / COLUMNS);
  const [width, height] = [COLUMNS * CHART.width, LEGEND_HEIGHT + rows * CHART.height];
  const charts = traces.map((trace, at) => {
    const x = (at % COLUMNS) * CHART.width;
    const y = LEGEND_HEIGHT + Math.floor(at / COLUMNS) * CHART.height;
    return `<g transform="translate(${x} ${y})">${chart(trace, cells)}</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" ` +
    `width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="11" ` +
    `fill="#333">\n<title>Hit ratio by capacity</title>\n` +
    `<rect width="${width}" height="${height}" fill="#fff"/>\n` +
    `${legend()}\n${charts.join("\n")}\n</svg>\n`;
}

function legend(): string {
  return Object.keys(LINES).map((name, at) => {
    const x = CHART.left + at * 110;
    return `<g transform="translate(${x} 20)">${path(name, "M0 -4H26")}` +
      `<text x="32">${name}</text></g>`;
  }).join("");
}

function chart(trace: string, cells: readonly Cell[]): string {
  const own = cells.filter((cell) => cell.trace === trace);
  const most = scaleOf(own);
  const lines = Object.keys(LINES).map((name) => {
    const points = own.flatMap(({ hitPercent }, at) => {
      const ratio = hitPercent[name];
      return ratio === undefined ? [] : [`${xOf(at, own.length)} ${yOf(ratio, most)}`];
    });
    return points.length > 0 ? path(name, `M${points.join("L")}`) : "";
  });
  const ticks = own.map(({ sharePercent }, at) =>
    `<text x="${xOf(at, own.length)}" y="${CHART.height - 16}" text-anchor="middle">` +
    `${sharePercent} %</text>`
  );
  const title = `<text x="${CHART.left}" y="18" font-weight="600">${trace}</text>`;
  return title + grid(most) + ticks.join("") + lines.join("");
}

/** The top of a chart, in percent. */
function scaleOf(cells: readonly Cell[]): number {
  const highest = Math.max(...cells.flatMap(({ hitPercent }) => Object.values(hitPercent)));
  return STEPS * STEP_PERCENT * Math.ceil(highest / (STEPS * STEP_PERCENT));
}

function grid(most: number): string {
  let lines = "";
  for (let step = 0; step <= STEPS; step++) {
    const percent = most * step / STEPS;
    const y = yOf(percent, most);
    lines += `<path d="M${CHART.left} ${y}h${PLOT_WIDTH}" stroke="#e4e4e4"/>` +
      `<text x="${CHART.left - 6}" y="${y + 4}" text-anchor="end">${percent}</text>`;
  }
  return lines;
}

function path(name: string, d: string): string {
  const { colour, dash, width } = LINES[name]!;
  const dashes = dash ? ` stroke-dasharray="${dash}"` : "";
  return `<path d="${d}" fill="none" stroke="${colour}" stroke-width="${width}"${dashes}/>`;
}

function xOf(at: number, count: number): number {
  return Math.round(CHART.left + (count > 1 ? at / (count - 1) : 0) * PLOT_WIDTH);
}

function yOf(percent: number, most: number): number {
  return Math.round((CHART.top + (1 - percent / most) * PLOT_HEIGHT) * 10) / 10;
}
