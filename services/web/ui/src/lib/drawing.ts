// Geometry of the drawn instruments: points on a circle, arcs, logarithmic and linear axes.

export interface Point {
  x: number
  y: number
}

/** The point on a circle at an angle in degrees, clockwise from twelve o'clock. */
export function onCircle(centre: Point, radius: number, degrees: number): Point {
  const radians = (degrees * Math.PI) / 180
  return { x: centre.x + radius * Math.sin(radians), y: centre.y - radius * Math.cos(radians) }
}

/** SVG path of an arc from one angle to another, clockwise. */
export function arc(centre: Point, radius: number, from: number, to: number): string {
  const start = onCircle(centre, radius, from)
  const end = onCircle(centre, radius, to)
  const large = to - from > 180 ? 1 : 0
  return `M${start.x.toFixed(2)} ${start.y.toFixed(2)}A${radius.toFixed(2)} ${radius.toFixed(2)} 0 ${large} 1 ${end.x.toFixed(2)} ${end.y.toFixed(2)}`
}

/** Position of a value on a logarithmic axis, clamped to its ends. */
export function onLogAxis(value: number, low: number, high: number, from: number, to: number): number {
  const share = (Math.log10(Math.max(value, low)) - Math.log10(low)) / (Math.log10(high) - Math.log10(low))
  return from + (to - from) * Math.min(1, Math.max(0, share))
}

export interface LogTick {
  value: number
  level: 'decade' | 'labelled' | 'plain'
}

/** Ticks 1, 2 … 9 of each decade; 1, 2 and 5 carry figures. */
export function logTicks(low: number, high: number): LogTick[] {
  const ticks: LogTick[] = []
  for (let decade = Math.floor(Math.log10(low)); decade <= Math.log10(high); decade++)
    for (let digit = 1; digit <= 9; digit++) {
      const value = Number((digit * 10 ** decade).toPrecision(3))
      if (value < low || value > high) continue
      ticks.push({ value, level: digit === 1 ? 'decade' : digit === 2 || digit === 5 ? 'labelled' : 'plain' })
    }
  return ticks
}

/** The smallest round end of scale that leaves the value in the first four fifths. */
export function scaleEnd(value: number, ends = [5, 10, 20, 30, 50, 100]): number {
  return ends.find((end) => end >= value * 1.25) ?? ends.at(-1)!
}

/** Nearest-rank percentile; undefined without values. */
export function percentile(values: readonly number[], share: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
}
